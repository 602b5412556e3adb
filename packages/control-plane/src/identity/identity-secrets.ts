// Makes the secrets that identity stands on when they are missing: signing keys and authorities, of each mesh and of the control plane itself.
// Driven by the graph: a Mesh that appears, or names a new built-in backend, is served with the write that brought it.
import { randomUUID } from 'node:crypto';
import {
  MeshError,
  type MeshIdentitySpec,
  type Resource,
  type TokenKind,
  tokenSecrets,
  trustDomainOf,
  userTokenClaims,
} from '@ursa/resources';
import type { Component } from '../component.ts';
import { keyInType, type LiveResources } from '../store/live-resources.ts';
import type { Store } from '../store/store.ts';
import { adminAuthoritySecret } from './admin-identities.ts';
import type { AuthorityPair } from './authorities/authority.ts';
import {
  builtinAuthoritySecrets,
  createBuiltinAuthority,
  createControlPlaneAuthority,
} from './authorities/builtin-authority.ts';
import { meshBackends } from './authorities/mesh-authorities.ts';
import type { Clock } from './clock.ts';
import { identityAuthoritySecrets, makesAuthority, type Place } from './mesh-identities/identity-authorities.ts';
import { generateSigningKey, parseSigningKey } from './tokens/signing-key.ts';
import { hasSigningKey, secretData } from './tokens/token-keys.ts';
import { signToken } from './tokens/token-signature.ts';
import { adminUser } from './users.ts';

// GlobalSecret with a user token of the administrator, for the first login from another machine.
export const adminTokenSecret = 'admin-user-token';

/** GlobalSecret with the authority under which the instances of one control plane talk to each other. */
export const instancesAuthoritySecret = 'inter-cp-ca';

export interface IdentitySecretsInputs {
  readonly live: LiveResources;
  readonly store: Store;
  readonly clock: Clock;
  /** What the trust domains of MeshIdentities are made from besides their mesh. */
  readonly place: Place;
  /** Whether to make the administrator's token (`apiServer.authn.tokens.bootstrapAdminToken`). */
  readonly bootstrapAdminToken: boolean;
  /** Gets what could not be made, for the log; it is tried again after some seconds. */
  readonly onFailure: (what: string, error: unknown) => void;
}

/** One thing that is missing. Plain data: derived, so that nothing is looked for twice. */
type Missing =
  | { readonly kind: 'signing-key'; readonly token: TokenKind; readonly mesh: string }
  | { readonly kind: 'mesh-authority'; readonly mesh: string; readonly backend: string; readonly conf: unknown }
  | {
      readonly kind: 'identity-authority';
      readonly mesh: string;
      readonly identity: string;
      readonly trustDomain: string;
    }
  | { readonly kind: 'own-authority'; readonly name: string }
  | { readonly kind: 'admin-token' };

type SecretDraft = Pick<Resource, 'type' | 'mesh' | 'name'> & { readonly data: string };

const retryAfter = 5000;
const adminTokenLifetime = 10 * 365 * 24 * 3600;

/** The component. It is started when it looks for what is missing; making it goes on beside. */
export function identitySecrets({
  live,
  store,
  clock,
  place,
  bootstrapAdminToken,
  onFailure,
}: IdentitySecretsInputs): Component {
  const missing = live.graph.derive(
    'missing-identity-secrets',
    (): { readonly list: readonly Missing[]; readonly meshes: readonly string[] } => {
      const meshes = live.resources('Mesh');
      const ofMeshes = meshes.keys().flatMap((key) => missingOfMesh(live, meshes.get(key)));
      const ofIdentities = missingOfIdentities(live, place);
      const list = [...missingOwn(live, bootstrapAdminToken), ...ofMeshes, ...ofIdentities];
      return { list, meshes: meshes.keys() };
    },
  );
  // Keys and the administrator's token are made once: at the start, or when their mesh appears. Who deletes them later means it.
  let knownMeshes: readonly string[] | undefined;
  const owed = new Set<string>();
  const inWork = new Map<string, Promise<void>>();
  const retries = new Set<{ stop(): void }>();
  let watch: { stop(): void } | undefined;

  const make = async (what: Missing): Promise<readonly SecretDraft[]> => {
    switch (what.kind) {
      case 'signing-key': {
        const { type, mesh, signingKeyPrefix } = tokenSecrets(what.token, what.mesh);
        return [{ type, mesh, name: `${signingKeyPrefix}1`, data: await generateSigningKey() }];
      }
      case 'mesh-authority': {
        const names = builtinAuthoritySecrets(what.mesh, what.backend);
        const pair = await createBuiltinAuthority(what.mesh, what.conf, clock.now());
        return [
          { type: 'Secret', mesh: what.mesh, name: names.certificate, data: base64(pair.certificate) },
          { type: 'Secret', mesh: what.mesh, name: names.key, data: base64(pair.privateKey) },
        ];
      }
      case 'identity-authority': {
        const names = identityAuthoritySecrets(what.mesh, what.identity);
        const pair = await createBuiltinAuthority(what.trustDomain, undefined, clock.now());
        return [
          { type: 'Secret', mesh: what.mesh, name: names.certificate, data: base64(pair.certificate) },
          { type: 'Secret', mesh: what.mesh, name: names.key, data: base64(pair.privateKey) },
        ];
      }
      case 'own-authority':
        return [
          {
            type: 'GlobalSecret',
            mesh: '',
            name: what.name,
            data: pairData(await createControlPlaneAuthority(what.name, clock.now())),
          },
        ];
      case 'admin-token':
        return [
          {
            type: 'GlobalSecret',
            mesh: '',
            name: adminTokenSecret,
            data: base64(await signAdminToken(live, clock.now())),
          },
        ];
    }
  };
  const supply = async (what: Missing, id: string): Promise<void> => {
    try {
      const drafts = await make(what);
      // Only where there is nothing yet: the user, or another instance, may have been faster.
      const writes = drafts.map(({ data, ...key }) => ({
        kind: 'put' as const,
        resource: { ...key, labels: {}, spec: { data } },
        expectedVersion: 0,
      }));
      await store.write(writes);
      owed.delete(id);
    } catch (error) {
      if (error instanceof MeshError && error.code === 'precondition-failed') {
        owed.delete(id);
        return;
      }
      onFailure(id, error);
      if (watch === undefined) return;
      const retry = clock.at(clock.now() + retryAfter, () => {
        retries.delete(retry);
        supplyMissing(missing.get());
      });
      retries.add(retry);
    } finally {
      inWork.delete(id);
    }
  };
  const supplyMissing = ({ list, meshes }: ReturnType<typeof missing.get>): void => {
    for (const what of list) {
      const id = describe(what);
      if (
        knownMeshes === undefined ||
        (what.kind === 'signing-key' &&
          what.mesh !== '' &&
          !knownMeshes.includes(keyInType({ mesh: '', name: what.mesh })))
      ) {
        owed.add(id);
      }
      const isDeletedByUser = (what.kind === 'signing-key' || what.kind === 'admin-token') && !owed.has(id);
      if (!isDeletedByUser && !inWork.has(id)) inWork.set(id, supply(what, id));
    }
    knownMeshes = meshes;
  };

  return {
    name: 'identity-secrets',
    async start() {
      const started = live.graph.watch(missing, [], supplyMissing);
      watch = started;
      if (live.get({ type: 'GlobalSecret', mesh: '', name: adminTokenSecret }) === undefined)
        owed.add(describe({ kind: 'admin-token' }));
      supplyMissing(started.value);
    },
    async stop() {
      watch?.stop();
      watch = undefined;
      for (const retry of retries) retry.stop();
      retries.clear();
      await Promise.all(inWork.values());
      owed.clear();
      knownMeshes = undefined;
    },
  };
}

function missingOwn(live: LiveResources, bootstrapAdminToken: boolean): readonly Missing[] {
  const secrets = live.resources('GlobalSecret');
  const isMissing = (name: string): boolean => secrets.get(keyInType({ mesh: '', name })) === undefined;
  const missing: Missing[] = [];
  for (const name of [adminAuthoritySecret, instancesAuthoritySecret])
    if (isMissing(name)) missing.push({ kind: 'own-authority', name });
  // RSA keys take their time: what is made at once comes first.
  for (const token of ['user', 'zone'] as const) {
    if (!hasSigningKey(live, token, '')) missing.push({ kind: 'signing-key', token, mesh: '' });
  }
  // The administrator's token needs a key to be signed with, which comes first.
  if (bootstrapAdminToken && isMissing(adminTokenSecret) && hasSigningKey(live, 'user', ''))
    missing.push({ kind: 'admin-token' });
  return missing;
}

function missingOfMesh(live: LiveResources, resource: Resource | undefined): readonly Missing[] {
  if (resource === undefined) return [];
  const mesh = resource.name;
  const missing: Missing[] = [];
  for (const { name: backend, type, conf } of meshBackends(resource)) {
    const secret = keyInType({ mesh, name: builtinAuthoritySecrets(mesh, backend).certificate });
    if (type === 'builtin' && live.resources('Secret').get(secret) === undefined) {
      missing.push({ kind: 'mesh-authority', mesh, backend, conf });
    }
  }
  if (!hasSigningKey(live, 'dataplane', mesh)) missing.push({ kind: 'signing-key', token: 'dataplane', mesh });
  return missing;
}

function missingOfIdentities(live: LiveResources, place: Place): readonly Missing[] {
  const secrets = live.resources('Secret');
  return live.list('MeshIdentity').flatMap((resource): readonly Missing[] => {
    const { mesh, name } = resource;
    const domain = trustDomainOf(resource.spec as MeshIdentitySpec, { mesh, ...place });
    const secret = keyInType({ mesh, name: identityAuthoritySecrets(mesh, name).certificate });
    if (!makesAuthority(resource) || 'problem' in domain || secrets.get(secret) !== undefined) return [];
    return [{ kind: 'identity-authority', mesh, identity: name, trustDomain: domain.trustDomain }];
  });
}

async function signAdminToken(live: LiveResources, now: number): Promise<string> {
  const name = `${tokenSecrets('user', '').signingKeyPrefix}1`;
  const secret = live.resources('GlobalSecret').get(keyInType({ mesh: '', name }));
  if (secret === undefined)
    throw new MeshError('unavailable', `there is no GlobalSecret "${name}" to sign the administrator's token with`);
  // The group of the authenticated is added to every user who shows a token; it is not written into one.
  const subject = { name: adminUser.name, groups: [adminUser.name] };
  const claims = userTokenClaims(subject, { now, validForSeconds: adminTokenLifetime, id: randomUUID() });
  return await signToken(claims, { kid: '1', privateKey: parseSigningKey(secretData(secret), name) });
}

function describe(what: Missing): string {
  switch (what.kind) {
    case 'signing-key':
      return `signing key for ${what.token} tokens${what.mesh === '' ? '' : ` of mesh ${what.mesh}`}`;
    case 'mesh-authority':
      return `built-in authority ${what.backend} of mesh ${what.mesh}`;
    case 'identity-authority':
      return `authority of MeshIdentity ${what.identity} of mesh ${what.mesh}`;
    case 'own-authority':
      return `authority ${what.name}`;
    case 'admin-token':
      return "administrator's token";
  }
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

function pairData(pair: AuthorityPair): string {
  return base64(pair.certificate + pair.privateKey);
}
