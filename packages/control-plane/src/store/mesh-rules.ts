// What a write must hold against the mesh it belongs to. Pure: reads the store's content, throws what the writer should be told.
import {
  MeshError,
  type MeshIdentitySpec,
  type MeshSpec,
  type Resource,
  type ResourceDraft,
  type Violation,
} from '@ursa/resources';
import type { StoreContent, StoreWrite } from './store.ts';

/** The mesh a resource is written into. Throws `not-found` when there is none. */
export function requireMesh(content: StoreContent, mesh: string): Resource {
  const found = content.get({ type: 'Mesh', mesh: '', name: mesh });
  if (found !== undefined) return found;
  throw new MeshError('not-found', `mesh ${JSON.stringify(mesh)} does not exist: create it first`);
}

/**
 * Deletes a mesh and everything in it. Throws `invalid` while Dataplanes are in it, unless `unsafe` says that they may go too.
 * The mesh comes first, so that watchers of the feed see its end before that of its content.
 */
export function deleteMesh(
  content: StoreContent,
  name: string,
  unsafe: boolean,
  expectedVersion: number | undefined,
): readonly StoreWrite[] {
  const members = [...content.all()].filter((resource) => resource.mesh === name);
  if (!unsafe && members.some((resource) => resource.type === 'Dataplane')) {
    throw refusal('mesh', 'unable to delete mesh, there are still some dataplanes attached');
  }
  return [
    { kind: 'delete', key: { type: 'Mesh', mesh: '', name }, expectedVersion },
    ...members.map(({ type, mesh, name: member }) => ({ kind: 'delete', key: { type, mesh, name: member } }) as const),
  ];
}

/**
 * Throws `invalid` when an update would take the enabled authority away from proxies that still trust only that one. Enabling another
 * is fine while the old one stays in the list, because all listed authorities are trusted.
 */
export function checkAuthorityChange(before: Resource | undefined, next: ResourceDraft): void {
  const old = (before?.spec as MeshSpec | undefined)?.mtls;
  const { mtls } = next.spec as MeshSpec;
  if (!old?.enabledBackend || !mtls?.enabledBackend || old.enabledBackend === mtls.enabledBackend) return;
  if (mtls.backends?.some((backend) => backend.name === old.enabledBackend) === true) return;
  throw refusal(
    'mtls.enabledBackend',
    'Changing CA when mTLS is enabled is forbidden. Disable mTLS first and then change the CA',
  );
}

/** Throws `invalid` when the Secret holds a certificate authority that its mesh uses. */
export function checkSecretUnused(content: StoreContent, mesh: string, name: string): void {
  const owner = content.get({ type: 'Mesh', mesh: '', name: mesh });
  const backends = (owner?.spec as MeshSpec | undefined)?.mtls?.backends ?? [];
  const user = backends.find((backend) => secretsOf(mesh, backend).includes(name));
  if (user === undefined) {
    checkIdentities(content, mesh, name);
    return;
  }
  throw refusal(
    'name',
    `The secret "${name}" that you are trying to remove is currently in use in Mesh "${mesh}" in mTLS backend "${user.name}". ` +
      `Please remove the reference from the "${user.name}" backend before removing the secret.`,
  );
}

function checkIdentities(content: StoreContent, mesh: string, name: string): void {
  for (const { type, mesh: owner, name: identity, spec } of content.all()) {
    if (type !== 'MeshIdentity' || owner !== mesh) continue;
    const { certificate, privateKey } = (spec as MeshIdentitySpec).provider?.bundled?.ca ?? {};
    if ([certificate, privateKey].every((source) => source?.secretRef?.name !== name)) continue;
    throw refusal(
      'name',
      `The secret "${name}" is in use in Mesh "${mesh}" by MeshIdentity "${identity}", which issues with it: name another secret there, or delete the MeshIdentity first`,
    );
  }
}

type AuthorityBackend = NonNullable<NonNullable<MeshSpec['mtls']>['backends']>[number];

function secretsOf(mesh: string, backend: AuthorityBackend): readonly string[] {
  if (backend.type === 'builtin') {
    return [`${mesh}.ca-builtin-cert-${backend.name}`, `${mesh}.ca-builtin-key-${backend.name}`];
  }
  return [`${mesh}.ca-roots-${backend.name}`, ...namedSecrets(backend.conf)];
}

function namedSecrets(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  const secret: unknown = Reflect.get(value, 'secret');
  return typeof secret === 'string' ? [secret] : Object.values(value).flatMap(namedSecrets);
}

/** A refused write, in the words the peers use for its summary. */
export function refusal(field: string, message: string): MeshError {
  const violations: readonly Violation[] = [{ field, message }];
  return new MeshError('invalid', `${field}: ${message}`, { violations });
}
