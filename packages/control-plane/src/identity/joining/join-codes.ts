// Join codes: issued to those who may issue data plane tokens, exchanged once for the token of one proxy. All instances over one store agree on what is used.
import { randomBytes } from 'node:crypto';
import { formatDuration, MeshError, tagNames } from '@ursa/resources';
import type { LiveResources } from '../../store/live-resources.ts';
import type { Store, StoreContent, StoreWrite } from '../../store/store.ts';
import type { Tokens } from '../access.ts';
import type { Clock } from '../clock.ts';
import {
  codeKey,
  codeWrite,
  hashSecret,
  isCodeName,
  isSecretOf,
  readStoredCode,
  type StoredCode,
} from './stored-code.ts';
import { tokenIdOf } from './token-id.ts';

/** What a code is to be good for. */
export interface IssueJoinCode {
  readonly mesh: string;
  readonly service?: string;
  readonly name?: string;
  readonly validForSeconds: number;
  readonly tokenValidForSeconds: number;
  /** Name of the user who asked. */
  readonly issuedBy: string;
}

/** What whoever joins says. */
export interface JoinRequest {
  readonly id: string;
  readonly secret: string;
  /** '' where the code says it. */
  readonly service: string;
  /** '' to be given one. */
  readonly name: string;
  /** Where the request came from, for the log. */
  readonly from: string;
}

/** What a proxy is from then on, and the token that proves it. */
export interface Membership {
  readonly mesh: string;
  readonly service: string;
  readonly name: string;
  readonly token: string;
}

/** What happens to codes, for the log. Never holds a secret or a token. */
export type JoinEvent =
  | ({ readonly kind: 'issued'; readonly code: string } & Omit<IssueJoinCode, 'issuedBy'> & { readonly by: string })
  | ({ readonly kind: 'exchanged'; readonly code: string; readonly from: string; readonly tokenId: string } & Omit<
      Membership,
      'token'
    >)
  /** `code` is '' when there is none of that name. */
  | { readonly kind: 'refused'; readonly code: string; readonly from: string; readonly reason: string };

/** The codes of a control plane. */
export interface JoinCodes {
  /** A new code. Errors: `not-found` without the mesh, `conflict` when too many wait to be used, and those of the store. */
  issue(request: IssueJoinCode): Promise<{ readonly id: string; readonly secret: string }>;
  /** Errors: `forbidden` that says what became of the code, `invalid` for a service or name that cannot be, and those of the store. */
  exchange(request: JoinRequest): Promise<Membership>;
}

export interface JoinCodesOptions {
  readonly live: LiveResources;
  readonly store: Pick<Store, 'write'>;
  readonly tokens: Pick<Tokens, 'issueDataplane' | 'requireIssuer'>;
  readonly clock: Clock;
  readonly observe: (event: JoinEvent) => void;
}

/** Codes that wait to be used, at most. */
const mostOpen = 1000;
/** Wrong secrets for one code; it is good for nothing after that. */
const mostGuesses = 10;
/** How long a code is remembered after its end. */
const rememberMilliseconds = 24 * 3600 * 1000;
const makeAnother = 'make another one with "kumactl generate join-code"';
const nobodysHash = hashSecret('');

/** Opens the codes over the store. */
export function openJoinCodes({ live, store, tokens, clock, observe }: JoinCodesOptions): JoinCodes {
  // Only of codes that exist: whoever invents names of codes fills no memory.
  const guesses = new Map<string, number>();

  const refuse = (code: string, from: string, reason: string): MeshError => {
    observe({ kind: 'refused', code, from, reason });
    return new MeshError('forbidden', `${reason}; ${makeAnother}`);
  };
  const check = ({ id, secret, from }: JoinRequest): StoredCode => {
    const isId = /^[0-9a-f]{16}$/.test(id);
    const code = isId ? readStoredCode(live.get(codeKey(id))) : undefined;
    // Compared in any case: how long it takes tells nobody which codes there are.
    const isRight = isSecretOf(secret, code?.hash ?? nobodysHash);
    if (code === undefined || !isRight) {
      if (code !== undefined) guesses.set(id, (guesses.get(id) ?? 0) + 1);
      const shown = code === undefined ? '' : id;
      throw refuse(shown, from, 'this control plane knows no such join code: it is of another one, or long over');
    }
    if (code.used !== undefined) throw refuse(id, from, usedReason(code.used));
    if (code.expires <= clock.now()) {
      throw refuse(
        id,
        from,
        `this join code has expired ${formatDuration(roundSeconds(clock.now() - code.expires))} ago`,
      );
    }
    if ((guesses.get(id) ?? 0) >= mostGuesses) {
      throw refuse(id, from, 'somebody has tried wrong secrets with this join code, so that it is no longer good');
    }
    return code;
  };
  const use = async (id: string, proxy: string, from: string): Promise<void> => {
    let lost: string | undefined;
    await store
      .write((content) => {
        lost = undefined;
        const resource = content.get(codeKey(id));
        const code = readStoredCode(resource);
        if (resource !== undefined && code !== undefined && code.used === undefined)
          return [codeWrite(id, { ...code, used: { at: clock.now(), proxy } }, resource.version)];
        // Another request, to this instance or another one, was faster; or somebody has deleted the code.
        lost = code?.used === undefined ? 'this join code has been taken back' : usedReason(code.used);
        throw new MeshError('precondition-failed', lost);
      })
      .catch((error: unknown) => {
        throw lost === undefined ? error : refuse(id, from, lost);
      });
    guesses.delete(id);
  };

  return {
    async issue({ issuedBy, validForSeconds, ...request }) {
      tokens.requireIssuer('dataplane');
      if (live.get({ type: 'Mesh', mesh: '', name: request.mesh }) === undefined)
        throw new MeshError('invalid', `mesh "${request.mesh}" does not exist: create it first`);
      checkWord('service', request.service);
      checkWord('name', request.name);
      const id = randomBytes(8).toString('hex');
      const secret = randomBytes(16).toString('base64url');
      const now = clock.now();
      const { mesh, service, name, tokenValidForSeconds } = request;
      const code: StoredCode = {
        ...{ mesh, hash: hashSecret(secret), expires: now + validForSeconds * 1000, tokenValidForSeconds, issuedBy },
        ...(service === undefined ? {} : { service }),
        ...(name === undefined ? {} : { name }),
      };
      const names = live
        .resources('GlobalSecret')
        .keys()
        .map((key) => key.slice(key.indexOf('/') + 1))
        .filter(isCodeName);
      await store.write((content) => [...forgetOver(content, names, now), codeWrite(id, code, 0)]);
      observe({ kind: 'issued', code: id, by: issuedBy, validForSeconds, ...request });
      return { id, secret };
    },
    async exchange(request) {
      const { id, from } = request;
      const code = check(request);
      const service = bound('service', code.service, request.service);
      if (service === '')
        throw new MeshError('invalid', 'service: this join code is for any service: say which one (--service)');
      const wanted = bound('name', code.name, request.name);
      checkWord('service', service);
      checkWord('name', wanted);
      const { mesh } = code;
      if (
        code.name === undefined &&
        wanted !== '' &&
        live.get({ type: 'Dataplane', mesh, name: wanted }) !== undefined
      ) {
        const message = `name: there is a Dataplane "${wanted}" in mesh "${mesh}" already: take another --name, or none`;
        throw new MeshError('invalid', message);
      }
      const name = wanted === '' ? `${service}-${id.slice(0, 8)}` : wanted;
      // Made first: a code is not spent where no token can be had for it.
      const token = await tokens.issueDataplane({
        ...{ mesh, name, type: 'dataplane', tags: { [tagNames.service]: [service] } },
        validForSeconds: code.tokenValidForSeconds,
      });
      await use(id, name, from);
      observe({ kind: 'exchanged', code: id, from, mesh, service, name, tokenId: tokenIdOf(token) });
      return { mesh, service, name, token };
    },
  };
}

/** Deletes what is over for long; refuses when too many are not. */
function forgetOver(content: StoreContent, names: readonly string[], now: number): readonly StoreWrite[] {
  const writes: StoreWrite[] = [];
  let open = 0;
  for (const name of names) {
    const key = { type: 'GlobalSecret', mesh: '', name };
    const code = readStoredCode(content.get(key));
    if (code === undefined) continue;
    if (code.expires + rememberMilliseconds < now) writes.push({ kind: 'delete', key });
    else if (code.used === undefined && code.expires > now) open += 1;
  }
  if (open < mostOpen) return writes;
  throw new MeshError(
    'conflict',
    `${mostOpen} join codes wait to be used: wait until some have expired, or delete their GlobalSecrets (join-code-…)`,
  );
}

/** What the code says wins; whoever joins may say the same. */
function bound(field: 'service' | 'name', byCode: string | undefined, said: string): string {
  if (byCode === undefined || said === '' || said === byCode) return byCode ?? said;
  throw new MeshError(
    'invalid',
    `${field}: this join code is for the ${field} "${byCode}", not for "${said}": leave --${field} out`,
  );
}

/** Both become part of the proxy's name. */
function checkWord(field: 'service' | 'name', value: string | undefined): void {
  if (value === undefined || value === '' || (value.length <= 200 && /^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$/.test(value)))
    return;
  const message = `expected lower-case letters, digits, "-" and ".", found ${JSON.stringify(value.slice(0, 100))}`;
  throw new MeshError('invalid', `${field}: ${message}`, { violations: [{ field, message }] });
}

function usedReason({ at, proxy }: NonNullable<StoredCode['used']>): string {
  const time = new Date(at).toISOString();
  return `this join code has been used already, at ${time} for the proxy "${proxy}": each is good for one proxy. If that was not you, revoke that proxy's token`;
}

function roundSeconds(milliseconds: number): number {
  return Math.max(1, Math.round(milliseconds / 1000)) * 1000;
}
