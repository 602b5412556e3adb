// Labels that the control plane computes and the rules for those that users write; see reference s7.
import type { Violation } from './error.ts';
import { labelNames } from './label-names.ts';
import type { Labels, ResourceDraft } from './resource.ts';
import { labelKeyProblems, labelValueProblems } from './resource-names.ts';
import type { ResourceType } from './resource-type.ts';
import { formatKey } from './schema/findings.ts';

/** Facts about the control plane that decide what labels a resource gets. */
export interface LabelContext {
  readonly mode: 'zone' | 'global';
  /** Name of the zone; '' on a global control plane. */
  readonly zone: string;
  readonly environment: 'universal' | 'kubernetes';
  /** True for a zone that a global control plane governs. */
  readonly federated: boolean;
  /** Whether a write must name its origin where that decides who owns the resource. Default true. */
  readonly originRequired?: boolean;
}

/** The labels a resource is stored with: those of its author, completed with the computed ones. Given values are kept. */
export function computeLabels(
  type: ResourceType,
  draft: Pick<ResourceDraft, 'mesh' | 'labels' | 'spec'>,
  context: LabelContext,
): Labels {
  const labels: Record<string, string> = { ...draft.labels };
  const complete = (name: string, value: string): void => {
    labels[name] ??= value;
  };
  // Always the mesh it is in: a global control plane takes any value that its author wrote.
  if (type.scope === 'Mesh') labels[labelNames.mesh] = draft.mesh;
  // A type that no zone provides carries no origin, even where the zone stands alone.
  if (context.mode === 'zone' && type.providedByZone) {
    complete(labelNames.origin, 'zone');
    if (labels[labelNames.origin] !== 'global') {
      complete(labelNames.zone, context.zone);
      complete(labelNames.environment, context.environment);
    }
  }
  const proxyType = proxyTypeOf(type, draft.spec);
  if (proxyType !== undefined) labels[labelNames.proxyType] = proxyType;
  for (const listener of listenersOf(draft.spec)) {
    if (listener.type === 'ZoneIngress') labels[labelNames.listenerZoneIngress] = 'enabled';
    if (listener.type === 'ZoneEgress') labels[labelNames.listenerZoneEgress] = 'enabled';
  }
  return labels;
}

interface ProxySpec {
  readonly networking?: {
    readonly gateway?: { readonly type?: string };
    readonly listeners?: readonly { readonly type?: string }[];
  };
}

// A delegated gateway is somebody else's proxy with an ordinary sidecar beside it.
function proxyTypeOf(type: ResourceType, spec: unknown): string | undefined {
  if (type.name === 'Dataplane')
    return (spec as ProxySpec).networking?.gateway?.type === 'BUILTIN' ? 'gateway' : 'sidecar';
  return type.name === 'ZoneIngress' || type.name === 'ZoneEgress' ? type.name.toLowerCase() : undefined;
}

function listenersOf(spec: unknown): readonly { readonly type?: string }[] {
  const listeners = (spec as ProxySpec | null)?.networking?.listeners;
  return Array.isArray(listeners) ? listeners : [];
}

/** What is wrong with the labels of a write. Without a context (a command line), only what holds everywhere. */
export function labelViolations(
  type: ResourceType,
  draft: Pick<ResourceDraft, 'mesh' | 'labels'>,
  context?: LabelContext,
): readonly Violation[] {
  const violations: Violation[] = [];
  const add = (name: string, message: string): void => {
    violations.push({ field: `labels${formatKey(name)}`, message });
  };
  const { labels } = draft;
  if (context !== undefined) addContextViolations(type, labels, context, add);
  const mesh = context?.mode === 'global' ? undefined : labels[labelNames.mesh];
  if (mesh !== undefined && mesh !== draft.mesh && (type.scope === 'Mesh' || draft.mesh !== '')) {
    add(labelNames.mesh, `${labelNames.mesh} label must not differ from mesh set on resource`);
  }
  const role = labels[labelNames.policyRole];
  if (
    type.policy?.isTargetRef === true &&
    role !== undefined &&
    role !== '' &&
    role !== 'system' &&
    context?.environment !== 'kubernetes'
  ) {
    add(labelNames.policyRole, `${labelNames.policyRole} label should have system value, got ${role}`);
  }
  for (const key of Object.keys(labels).sort()) {
    for (const problem of labelKeyProblems(key)) add(key, problem);
    for (const problem of labelValueProblems(labels[key] ?? '')) add(key, problem);
  }
  return violations;
}

function addContextViolations(
  type: ResourceType,
  labels: Labels,
  context: LabelContext,
  add: (name: string, message: string) => void,
): void {
  const origin = labels[labelNames.origin];
  if (origin !== undefined && origin !== 'zone' && origin !== 'global') {
    add(labelNames.origin, `unknown resource origin "${origin}"`);
  }
  if (context.originRequired ?? true) {
    if (context.mode === 'global' && origin !== undefined && origin !== 'global') {
      add(labelNames.origin, "the origin label must be set to 'global'");
    }
    if (context.federated && type.specForm === 'nested' && origin !== 'zone') {
      add(labelNames.origin, "the origin label must be set to 'zone'");
    }
  }
  const zone = labels[labelNames.zone];
  if (context.mode === 'zone' && zone !== undefined && zone !== context.zone && origin !== 'global') {
    add(labelNames.zone, `${labelNames.zone} label should have ${context.zone} value`);
  }
}

/** What a write would change of the labels that stay as they were at creation. */
export function immutableLabelViolations(stored: Labels, next: Labels): readonly Violation[] {
  const violations: Violation[] = [];
  for (const name of [labelNames.origin, labelNames.zone]) {
    const before = stored[name];
    const after = next[name];
    if (before === undefined || before === after) continue;
    const message =
      after === undefined
        ? `is immutable, cannot be removed (was ${JSON.stringify(before)})`
        : `is immutable, cannot be changed from ${JSON.stringify(before)} to ${JSON.stringify(after)}`;
    violations.push({ field: `labels${formatKey(name)}`, message });
  }
  return violations;
}
