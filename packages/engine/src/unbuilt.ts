// What could not be built or encoded. It stands in a list of resources where they would stand, so that one bad value costs its own resource and
// nothing beside it.
import { createInterner } from '@ursa/collections';
import type { EnvoyResource, EnvoyType, Origin } from '@ursa/envoy';
import { PolicyFailure } from './walk.ts';

/** Where something is built, as far as the failure needs to know it. */
export interface Site {
  readonly origin: Origin;
  /** Type and name of the one resource that is built there; left out where there are several, or it is not known how many. */
  readonly of?: EnvoyType;
  readonly name?: string;
  /** The resource that it is built for, as `Type/mesh/name`. */
  readonly about?: string;
}

/** Something that could not be built. Equal ones are one object. */
export interface Unbuilt extends Site {
  readonly type: 'unbuilt';
  readonly problem: string;
  /** The policy whose hook failed; undefined when the failure came later, or from elsewhere. */
  readonly policyType?: string;
  /** What stands in for it where no earlier one is known, because without anything there a proxy could be open. */
  readonly instead?: EnvoyResource;
}

/** A resource, or what became of it. */
export type Built = EnvoyResource | Unbuilt;

/** A whole configuration: everything in it could not be built. */
export const everything: Site = { origin: '' };

const known = createInterner();

function unbuilt(site: Site, error: unknown, instead: EnvoyResource | undefined): Unbuilt {
  const problem = error instanceof Error ? error.message : String(error);
  const policyType = error instanceof PolicyFailure ? error.policy : undefined;
  const failed: Unbuilt = {
    ...site,
    type: 'unbuilt',
    problem,
    ...(policyType === undefined ? {} : { policyType }),
    ...(instead === undefined ? {} : { instead }),
  };
  return known.share(JSON.stringify([site, problem, policyType, instead?.name, instead?.version]), failed);
}

/** Builds; what cannot be built is an `Unbuilt`. `close`: what stands in for it, itself left out when it cannot be built either. */
export function attempt<Item>(
  site: Site,
  build: () => readonly Item[],
  close?: () => EnvoyResource,
): readonly (Item | Unbuilt)[] {
  try {
    return build();
  } catch (error) {
    const [instead] = close === undefined ? [] : attempt(site, () => [close()]);
    return [unbuilt(site, error, instead === undefined || isUnbuilt(instead) ? undefined : instead)];
  }
}

/** True for what could not be built. */
export function isUnbuilt<Other extends { readonly type: string }>(built: Other | Unbuilt): built is Unbuilt {
  return built.type === 'unbuilt';
}
