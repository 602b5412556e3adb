// What should be written so that MeshIdentities work: the MeshTrust of each, and its status. An identity is used when its status says that it is
// ready, which it is only after those who are to believe it have heard of it.
import type { Collection, Derivation } from '@ursa/collections';
import { deepEqual } from '@ursa/collections';
import {
  isIdentityReady,
  type MeshIdentitySpec,
  type MeshIdentityStatus,
  type MeshTrustSpec,
  type MeshTrustStatus,
  meshIdentityKri,
  type Resource,
} from '@ursa/resources';
import {
  type IdentityAuthorities,
  isTrusted,
  type Place,
  vouches,
} from '../identity/mesh-identities/identity-authorities.ts';
import { keyInType, type LiveResources } from '../store/live-resources.ts';
import type { PlannedWrite } from './planned-write.ts';
import { deriveServicesKnow } from './services-know.ts';

export interface MeshIdentityPlanInputs {
  readonly live: LiveResources;
  readonly place: Place;
  readonly authorities: IdentityAuthorities;
  /** Keys of the identities that all connected proxies of the mesh have heard of. */
  readonly announced: Collection<boolean>;
}

/** The plan, and the keys of the identities that proxies have to hear of before they are used. */
export interface MeshIdentityPlan {
  readonly plan: Derivation<readonly [], readonly PlannedWrite[]>;
  readonly unannounced: Derivation<readonly [], readonly string[]>;
}

type Condition = NonNullable<MeshIdentityStatus['conditions']>[number];

/** How far an identity has come. */
interface Progress {
  readonly conditions: readonly Condition[];
  readonly trust: PlannedWrite | undefined;
  /** Whether nothing but the announcement is missing. */
  readonly announceable: boolean;
}

const succeeded = (type: string, reason: string, message: string): Condition => ({
  ...{ type, status: 'True', reason, message },
});
const failed = (type: string, reason: string, message: string): Condition => ({
  ...{ type, status: 'False', reason, message },
});

/** Derives the plan. */
export function deriveMeshIdentityPlan(inputs: MeshIdentityPlanInputs): MeshIdentityPlan {
  const { live, place, authorities, announced } = inputs;
  const { graph } = live;
  const identities = live.resources('MeshIdentity');
  const servicesKnow = deriveServicesKnow(live, place);
  const progressOf = graph.derive('mesh-identity-progress', (key: string): Progress | undefined => {
    const resource = identities.get(key);
    if (resource === undefined) return undefined;
    const provided = provide(live, authorities, resource);
    const wasReady = isIdentityReady(resource);
    const knowing = provided.usable && servicesKnow.get(resource.mesh);
    const ready = wasReady || (knowing && announced.get(key) === true);
    const conditions = [...provided.conditions, readiness(ready, provided, knowing)];
    return { conditions, trust: provided.trust, announceable: knowing && !wasReady };
  });
  const planOf = (key: string): readonly PlannedWrite[] => {
    const resource = identities.get(key);
    const progress = progressOf.get(key);
    if (resource === undefined || progress === undefined) return [];
    const { version, creationTime: _created, modificationTime: _modified, ...draft } = resource;
    const { conditions, trust } = progress;
    const status: MeshIdentityStatus = { conditions: [...conditions] };
    const told = deepEqual(resource.status, status);
    const write: PlannedWrite = { kind: 'put', draft: { ...draft, status }, seen: version };
    return [...(trust === undefined ? [] : [trust]), ...(told ? [] : [write])];
  };
  return {
    plan: graph.derive('mesh-identity-plan', () => identities.keys().flatMap(planOf)),
    unannounced: graph.derive('unannounced-identities', () =>
      identities.keys().filter((key) => progressOf.get(key)?.announceable === true && announced.get(key) !== true),
    ),
  };
}

/** What the provider of an identity has come to. */
interface Provided {
  readonly conditions: readonly Condition[];
  readonly trust: PlannedWrite | undefined;
  /** Whether it can issue and is trusted. */
  readonly usable: boolean;
  /** What is in the way, for people. */
  readonly obstacle: string;
}

function notProvided(reason: string, message: string): Provided {
  return { conditions: [failed('Provider', reason, message)], trust: undefined, usable: false, obstacle: message };
}

const initialized = succeeded('Provider', 'ProviderInitialized', 'Provider successfully initialized');

function provide(live: LiveResources, authorities: IdentityAuthorities, resource: Resource): Provided {
  const { mesh, name } = resource;
  const { provider } = resource.spec as MeshIdentitySpec;
  if (provider === undefined)
    return notProvided('ProviderMissing', 'spec.provider: expected Bundled or Spire, to say who issues certificates');
  if (provider.type === 'Extension') {
    const extension = JSON.stringify(provider.extension?.name ?? '');
    const remedy =
      'use Bundled with a CA of its own or one that your authority has signed, or Spire; Vault and AWS Private CA issue as mTLS backends of the Mesh (vault, acmpca)';
    return notProvided(
      'ProviderNotFound',
      `spec.provider.extension.name: there is no extension ${extension}: ${remedy}`,
    );
  }
  if (provider.type === 'Spire') return { conditions: [initialized], trust: undefined, usable: true, obstacle: '' };
  const authority = authorities.get(mesh, name);
  if (authority === undefined) return notProvided('ProviderNotInitialized', 'spec.provider.bundled: expected a CA');
  if ('fault' in authority.state) return notProvided('ProviderNotInitialized', authority.state.fault);
  const { pair } = authority.state;
  const trusted = isTrusted(live, mesh, authority, pair);
  const { trustDomain } = authority;
  if (provider.bundled?.meshTrustCreation === 'Disabled') {
    const obstacle = `no MeshTrust has the CA of this identity for the trust domain ${trustDomain}: create one, or enable spec.provider.bundled.meshTrustCreation`;
    return { conditions: [initialized], trust: undefined, usable: trusted, obstacle: trusted ? '' : obstacle };
  }
  const found = live.resources('MeshTrust').get(keyInType({ mesh, name }));
  const kri = meshIdentityKri(resource);
  const isOurs = (found?.status as MeshTrustStatus | undefined)?.origin?.kri === kri;
  if (found !== undefined && !isOurs && !trusted) {
    const obstacle = `there is a MeshTrust ${JSON.stringify(name)} that does not have the CA of this identity: add it, or give the identity another name`;
    const conditions = [initialized, failed('MeshTrustCreated', 'MeshTrustConflict', obstacle)];
    return { conditions, trust: undefined, usable: false, obstacle };
  }
  const created = trusted
    ? succeeded('MeshTrustCreated', 'MeshTrustCreated', 'MeshTrust has been successfully created')
    : failed('MeshTrustCreated', 'MeshTrustPending', 'the MeshTrust is being written');
  return {
    conditions: [initialized, created],
    trust: trusted ? undefined : trustWrite(resource, found, { trustDomain, certificate: pair.certificate }),
    usable: trusted,
    obstacle: trusted ? '' : created.message,
  };
}

/** CAs are only added: what one of them signed may still be in use. Who does not want it any more removes it. */
function trustWrite(
  { mesh, name, ...identity }: Resource,
  found: Resource | undefined,
  { trustDomain, certificate }: { readonly trustDomain: string; readonly certificate: string },
): PlannedWrite {
  const before = found?.spec as MeshTrustSpec | undefined;
  const kept = before?.trustDomain === trustDomain ? before.caBundles : [];
  const added = vouches({ caBundles: kept }, certificate)
    ? []
    : [{ type: 'Pem', pem: { value: certificate } } as const];
  const status = { origin: { kri: meshIdentityKri({ mesh, name, ...identity }) } };
  const spec: MeshTrustSpec = { trustDomain, caBundles: [...kept, ...added] };
  const draft = { type: 'MeshTrust', mesh, name, labels: found?.labels ?? {}, spec, status };
  return { kind: 'put', draft, seen: found?.version ?? 0 };
}

function readiness(ready: boolean, { usable, obstacle }: Provided, knowing: boolean): Condition {
  if (ready) return succeeded('Ready', 'Ready', 'Successfully initialized');
  if (!usable) return failed('Ready', 'NotReady', obstacle);
  const message = knowing
    ? 'waiting until the connected proxies of the mesh trust it'
    : 'waiting until the MeshServices name its SPIFFE IDs';
  return failed('Ready', 'NotReady', message);
}
