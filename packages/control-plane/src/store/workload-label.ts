// The label that says to which workload a Dataplane belongs, as a writer may set it: it becomes part of identities and the name of a Workload.
import {
  dnsLabelProblems,
  type LabelContext,
  labelNames,
  MeshError,
  type Resource,
  type ResourceDraft,
} from '@ursa/resources';

const field = `labels["${labelNames.workload}"]`;

/** What is wrong with the label of a Dataplane, after its field; undefined when nothing is. */
export function workloadLabelProblem(
  { labels }: Pick<ResourceDraft, 'labels'>,
  context: LabelContext,
): string | undefined {
  const workload = labels[labelNames.workload] ?? '';
  if (workload === '' || context.environment === 'kubernetes') return undefined;
  if (context.mode === 'global') return `${field}: not allowed on Global control plane`;
  const problems = dnsLabelProblems(workload);
  if (problems.length === 0) return undefined;
  const expected = 'must be a valid DNS-1035 label (at most 63 characters, matching regex [a-z]([-a-z0-9]*[a-z0-9])?)';
  return `${field}: ${expected}: ${problems.join('; ')}`;
}

/** Throws `invalid` for a label that is no name of a workload. One that is stored already does not keep its Dataplane from being written. */
export function checkWorkloadLabel(draft: ResourceDraft, before: Resource | undefined, context: LabelContext): void {
  if (before !== undefined && before.labels[labelNames.workload] === draft.labels[labelNames.workload]) return;
  const problem = workloadLabelProblem(draft, context);
  if (problem === undefined) return;
  const message = problem.slice(field.length + 2);
  throw new MeshError('invalid', problem, { violations: [{ field, message }] });
}
