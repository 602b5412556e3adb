// Signing keys and revocations as the control plane has them. Tokens themselves are stored nowhere: these secrets are all there is to know.
import { MeshError, type TokenKind, tokenSecrets } from '@ursa/resources';
import { field, listOf } from '../json-fields.ts';
import { listPath, resourcePath } from '../resource-paths.ts';
import type { Session } from '../session.ts';
import { typeHandles } from '../type-handles.ts';
import { getWholeList } from '../whole-list.ts';

/** What decides over tokens of a kind, and, for data plane tokens, a mesh. */
export interface TokenState {
  /** Serial numbers of the keys in the store, oldest first: the last one signs. */
  readonly keys: readonly { readonly kid: string; readonly since: string }[];
  /** Ids of revoked tokens. */
  readonly revoked: readonly string[];
}

// Several administrators at once are few.
const mostAttempts = 5;

/** Reads it. Errors: `forbidden` for who may not see secrets. */
export async function readTokenState(session: Session, kind: TokenKind, mesh: string): Promise<TokenState> {
  const names = tokenSecrets(kind, mesh);
  const path = listPath(handleOf(names.type), mesh);
  // The name may be a part of it: what is longer is another mesh's.
  const query = new URLSearchParams({ size: '1000', name: `${kind}-token-` });
  const secrets = listOf(await getWholeList(session.client(), `${path}?${query}`), 'items');
  const keys = secrets
    .map((secret) => ({ name: String(field(secret, 'name')), since: String(field(secret, 'creationTime')) }))
    .filter(({ name }) => name.startsWith(names.signingKeyPrefix))
    .map(({ name, since }) => ({ kid: name.slice(names.signingKeyPrefix.length), since }))
    .filter(({ kid }) => /^\d+$/.test(kid))
    .sort((one, other) => one.kid.length - other.kid.length || (one.kid < other.kid ? -1 : 1));
  const revocations = secrets.find((secret) => field(secret, 'name') === names.revocations);
  return { keys, revoked: idsOf(field(revocations, 'data')) };
}

/** Adds an id to the revoked ones; false when it is there already. Others may do the same at the same time. */
export async function revokeToken(session: Session, kind: TokenKind, mesh: string, id: string): Promise<boolean> {
  const names = tokenSecrets(kind, mesh);
  const path = resourcePath(handleOf(names.type), mesh, names.revocations);
  for (let attempt = 1; ; attempt += 1) {
    const stored = await session.client().send({ method: 'GET', path, anyStatus: true });
    if (stored.status !== 200 && stored.status !== 404) await session.client().send({ method: 'GET', path });
    const document: unknown = stored.status === 200 ? JSON.parse(stored.text) : {};
    const ids = idsOf(field(document, 'data'));
    if (ids.includes(id)) return false;
    const data = Buffer.from([...ids, id].join(',')).toString('base64');
    const ofMesh = names.type === 'Secret' ? { mesh } : {};
    const body = JSON.stringify({ type: names.type, ...ofMesh, name: names.revocations, data });
    const expected = stored.status === 404 ? 'none' : stored.entityTag;
    try {
      await session.client().send({ method: 'PUT', path, body, ...(expected === undefined ? {} : { expected }) });
      return true;
    } catch (error) {
      const raced = error instanceof MeshError && error.code === 'precondition-failed';
      if (!raced || attempt === mostAttempts) throw error;
    }
  }
}

function handleOf(name: string) {
  const handle = typeHandles.byName(name);
  if (handle === undefined) throw new MeshError('internal', `there is no type ${name}`);
  return handle;
}

function idsOf(data: unknown): readonly string[] {
  const text = typeof data === 'string' ? Buffer.from(data, 'base64').toString('utf8') : '';
  return text
    .split(',')
    .map((id) => id.trim())
    .filter((id) => id !== '');
}
