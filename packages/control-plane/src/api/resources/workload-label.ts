// The label of a Dataplane's workload at the REST API, refused in the peer's form.
import type { LabelContext, ResourceDraft } from '@ursa/resources';
import { workloadLabelProblem } from '../../store/workload-label.ts';
import { badRequest } from '../http/failure.ts';

/** Errors: 400. */
export function requireWorkloadLabel(draft: ResourceDraft, context: LabelContext): void {
  const problem = workloadLabelProblem(draft, context);
  if (problem !== undefined) throw badRequest(problem);
}
