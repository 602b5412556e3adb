// What a TrafficRoute says, the older form of routes: targets by tags, and what of them is a backend in the words of newer routes.
import type { CalledTags } from '@ursa/policy';
import { type BackendRef, tagNames } from '@ursa/resources';

/** Its resource type. */
export const olderRouteType = 'TrafficRoute';

/** Traffic goes to one destination, or to several by weight. */
export interface OlderTarget {
  readonly destination?: CalledTags;
  readonly split?: readonly { readonly weight?: number; readonly destination?: CalledTags }[];
}

/** One of these is set. */
export interface OlderMatcher {
  readonly exact?: string;
  readonly prefix?: string;
  readonly regex?: string;
}

/** A text in which what an expression finds is replaced. */
export interface OlderReplacement {
  readonly pattern?: string;
  readonly substitution?: string;
}

/** Headers that are added (in place of those that are there, unless `append` is set) and removed. */
export interface OlderHeaders {
  readonly add?: readonly { readonly name?: string; readonly value?: string; readonly append?: boolean }[];
  readonly remove?: readonly { readonly name?: string }[];
}

/** What is done to the requests that match. */
export interface OlderHttpRule extends OlderTarget {
  readonly match?: {
    readonly method?: OlderMatcher;
    readonly path?: OlderMatcher;
    readonly headers?: Readonly<Record<string, OlderMatcher>>;
  };
  readonly modify?: {
    readonly path?: { readonly rewritePrefix?: string; readonly regex?: OlderReplacement };
    readonly host?: { readonly value?: string; readonly fromPath?: OlderReplacement };
    readonly requestHeaders?: OlderHeaders;
    readonly responseHeaders?: OlderHeaders;
  };
}

/** Chooses among the instances of a destination; one of these is set. */
export interface OlderLoadBalancer {
  readonly roundRobin?: object;
  readonly leastRequest?: { readonly choiceCount?: number };
  readonly ringHash?: {
    readonly hashFunction?: string;
    readonly minRingSize?: number;
    readonly maxRingSize?: number;
  };
  readonly random?: object;
  readonly maglev?: object;
}

/** Its conf. What no rule of `http` takes goes to the target. */
export interface OlderRouteConf extends OlderTarget {
  readonly http?: readonly OlderHttpRule[];
  readonly loadBalancer?: OlderLoadBalancer;
}

/** Backends of a target, for a call that is meant for `called`: tags that the target leaves open, or says `*` of, are those of the call. */
export function olderBackends({ destination, split }: OlderTarget, called: CalledTags): readonly BackendRef[] {
  const targets = split ?? [{ weight: 1, destination: destination ?? {} }];
  return targets.map(({ weight = 0, destination: wanted = {} }) => {
    const said = Object.entries(wanted).filter(([, value]) => value !== '*');
    const { [tagNames.service]: name = '', ...tags } = { ...called, ...Object.fromEntries(said) };
    return Object.keys(tags).length === 0
      ? { kind: 'MeshService', name, weight }
      : { kind: 'MeshServiceSubset', name, tags, weight };
  });
}
