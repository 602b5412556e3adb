// Policies of the older kind that speak of a request and that no proxy follows: whoever asks what becomes of it is told that nothing comes of them.
import { policyHead, tagsMatch } from '@ursa/policy';
import { coreResourceTypes, type Resource, type ResourceType, type TagSelector } from '@ursa/resources';
import { callerTags, type DataplaneFacts } from '../dataplane-facts.ts';
import { type Finding, finding } from '../lint/finding.ts';
import type { ExplainParts } from './explain-parts.ts';

type Tags = Readonly<Record<string, string>>;

interface OlderSpec {
  readonly sources?: readonly TagSelector[];
  readonly destinations?: readonly TagSelector[];
  readonly selectors?: readonly TagSelector[];
}

const idleTypes: readonly ResourceType[] = coreResourceTypes.filter(({ idle }) => idle?.when === 'always');
/** More of them say nothing that the first ones do not. */
const most = 20;

/** One finding for each. `served`: tags of what is called, a set for each inbound. */
export function olderWithoutEffect(
  { inputs }: Pick<ExplainParts, 'inputs'>,
  client: DataplaneFacts,
  served: readonly Tags[],
): readonly Finding[] {
  const calling = callerTags(client);
  return idleTypes
    .flatMap(({ name, idle }) => {
      const all = inputs.resources(name);
      const keys = all.index('mesh', (resource) => [resource.mesh]).get(client.mesh);
      return keys.flatMap((key) => {
        const policy = all.get(key);
        return policy !== undefined && means(policy, calling, served)
          ? [withoutEffect(policy, idle?.advice ?? '')]
          : [];
      });
    })
    .slice(0, most);
}

function withoutEffect(resource: Resource, advice: string): Finding {
  const { displayName } = policyHead(resource);
  const message = `${resource.type} ${displayName} selects this request and has no effect: proxies do not follow policies of this kind`;
  return finding('older-policy', message, advice, resource);
}

function means({ spec }: Resource, calling: readonly Tags[], served: readonly Tags[]): boolean {
  const { sources, destinations, selectors = [] } = spec as OlderSpec;
  if (sources === undefined || destinations === undefined) return selects(selectors, [...calling, ...served]);
  return selects(sources, calling) && selects(destinations, served);
}

function selects(selectors: readonly TagSelector[], places: readonly Tags[]): boolean {
  return selectors.some(({ match = {} }) => places.some((tags) => tagsMatch(match, tags)));
}
