// The label that says to which workload a Dataplane belongs, as a writer may set it.
import { dnsLabelProblems, type LabelContext, labelNames, type ResourceDraft } from '@ursa/resources';
import { badRequest } from '../http/failure.ts';

/** The label becomes part of identities and of a resource's name. Errors: 400. */
export function checkWorkloadLabel(draft: ResourceDraft, context: LabelContext): void {
  const workload = draft.labels[labelNames.workload] ?? '';
  if (workload === '' || context.environment === 'kubernetes') return;
  const field = `labels["${labelNames.workload}"]`;
  if (context.mode === 'global') throw badRequest(`${field}: not allowed on Global control plane`);
  const problems = dnsLabelProblems(workload);
  if (problems.length === 0) return;
  const expected = 'must be a valid DNS-1035 label (at most 63 characters, matching regex [a-z]([-a-z0-9]*[a-z0-9])?)';
  throw badRequest(`${field}: ${expected}: ${problems.join('; ')}`);
}
