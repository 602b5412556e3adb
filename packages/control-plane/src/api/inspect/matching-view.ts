// Which data planes a resource concerns: those a policy applies to, those that make up a service.
import { type DataplaneSpec, labelNames, type Resource, type ResourceType } from '@ursa/resources';
import type { ProxyInspector } from './proxy-inspector.ts';

type Tags = Readonly<Record<string, string>>;

/** Says whether a data plane is concerned. */
export type DataplaneMatcher = (dataplane: Resource) => boolean;

/** Data planes that a policy applies to, of the newer policies (by `targetRef`) and the older ones (by tags). */
export function policyMatcher(type: ResourceType, policy: Resource, inspector: ProxyInspector): DataplaneMatcher {
  if (type.policy?.isTargetRef === true) {
    return (dataplane) => inspector.applies(policy, dataplane);
  }
  const { selectors = [], sources = [], destinations = [] } = policy.spec as LegacyPolicySpec;
  const wanted = [...selectors, ...sources, ...destinations].map(({ match = {} }) => match);
  return (dataplane) => tagSetsOf(dataplane).some((tags) => wanted.some((match) => matches(match, tags)));
}

interface LegacyPolicySpec {
  readonly selectors?: readonly { readonly match?: Tags }[];
  readonly sources?: readonly { readonly match?: Tags }[];
  readonly destinations?: readonly { readonly match?: Tags }[];
}

/** Data planes that are labelled with a Workload's name. */
export function workloadMatcher({ name }: Resource): DataplaneMatcher {
  return ({ labels }) => labels[labelNames.workload] === name;
}

/** Data planes that make up a MeshService. */
export function serviceMatcher(service: Resource): DataplaneMatcher {
  const { selector = {} } = service.spec as ServiceSpec;
  const { dataplaneTags, dataplaneRef, dataplaneLabels } = selector;
  if (dataplaneRef?.name !== undefined) return (dataplane) => dataplane.name === dataplaneRef.name;
  const labels = dataplaneLabels?.matchLabels;
  if (labels !== undefined) return (dataplane) => matches(labels, dataplane.labels);
  if (dataplaneTags === undefined || Object.keys(dataplaneTags).length === 0) return () => false;
  return (dataplane) => tagSetsOf(dataplane).some((tags) => matches(dataplaneTags, tags));
}

interface ServiceSpec {
  readonly selector?: {
    readonly dataplaneTags?: Tags;
    readonly dataplaneRef?: { readonly name?: string };
    readonly dataplaneLabels?: { readonly matchLabels?: Tags };
  };
}

function tagSetsOf(dataplane: Resource): readonly Tags[] {
  const { networking } = dataplane.spec as DataplaneSpec;
  const gateway = networking?.gateway === undefined ? [] : [networking.gateway.tags ?? {}];
  return [...gateway, ...(networking?.inbound ?? []).map(({ tags = {} }) => tags)];
}

function matches(wanted: Tags, tags: Tags): boolean {
  return Object.entries(wanted).every(
    ([key, value]) => Object.hasOwn(tags, key) && (value === '*' || tags[key] === value),
  );
}
