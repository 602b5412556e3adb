// The token with which a Vault is asked: given by the user, or got by logging in. It is renewed at two thirds of its time, for as long as Vault lets it; who
// has logged in does so again then.
import { MeshError } from '@ursa/resources';
import { numberIn, textIn } from '../answer-fields.ts';
import { type AwsKeys, openAwsIdentity } from '../aws/aws-identity.ts';
import type { AuthorityContext } from '../define-authority.ts';
import { type AwsLogin, awsLoginBody } from './aws-login.ts';
import { refusedByVault, type VaultAnswer, type VaultCall, type VaultClient } from './vault-client.ts';

/** How the control plane proves to Vault who it is; all values are contents, not places. */
export type VaultAuth =
  | { readonly kind: 'agent' }
  | { readonly kind: 'token'; readonly token: string }
  /** With the client certificate of the connection. */
  | { readonly kind: 'tls'; readonly mountPath: string; readonly role: string }
  | { readonly kind: 'approle'; readonly mountPath: string; readonly roleId: string; readonly secretId: string }
  /** With an AWS identity; `keys`: undefined for the control plane's own. */
  | { readonly kind: 'aws'; readonly mountPath: string; readonly login: AwsLogin; readonly keys: AwsKeys | undefined };

type LoginAuth = Extract<VaultAuth, { readonly mountPath: string }>;

/** Calls as somebody. */
export interface VaultSession {
  /** Makes the call with a token; a login that is over is made anew, once. Errors: those of the client and of logging in. */
  call(call: Omit<VaultCall, 'token'>): Promise<VaultAnswer>;
  stop(): void;
}

const forbidden = 403;
const patience = 10_000;
const shortestWait = 1_000;
const longestRetry = 30_000;

/** Opens it; nothing is asked before the first call. */
export function openVaultSession(client: VaultClient, auth: VaultAuth, context: AuthorityContext): VaultSession {
  const ending = new AbortController();
  let token: Promise<string | undefined> | undefined;
  let renewal: { stop(): void } | undefined;
  let warned = false;
  const identity = auth.kind === 'aws' ? openAwsIdentity(auth.keys, auth.login.region) : undefined;
  const limit = (): AbortSignal => AbortSignal.any([ending.signal, AbortSignal.timeout(patience)]);

  const loginBody = async (way: LoginAuth, signal: AbortSignal): Promise<object> => {
    if (way.kind === 'approle') return { role_id: way.roleId, secret_id: way.secretId };
    if (way.kind === 'tls') return way.role === '' ? {} : { name: way.role };
    if (identity === undefined) throw new MeshError('internal', 'there is no AWS identity to log in with');
    return await awsLoginBody(way.login, identity, process.env, signal);
  };
  const begin = async (): Promise<string | undefined> => {
    if (auth.kind === 'agent') return undefined;
    if (auth.kind === 'token') {
      const answer = await client.call({
        method: 'GET',
        path: 'auth/token/lookup-self',
        token: auth.token,
        signal: limit(),
      });
      // One that may not look itself up may still be good: the next call tells.
      if (answer.status === 200 && isTrue(answer.body, 'renewable')) {
        const granted = numberIn(answer.body, 'data', 'creation_ttl') * 1000;
        renewLater(auth.token, numberIn(answer.body, 'data', 'ttl') * 1000, granted);
      }
      return auth.token;
    }
    const path = `auth/${auth.mountPath}/login`;
    const body = await loginBody(auth, limit());
    const answer = await client.call({ method: 'POST', path, body, signal: limit() });
    const given = textIn(answer.body, 'auth', 'client_token');
    if (answer.status !== 200 || given === '') {
      context.stale();
      identity?.forget();
      throw refusedByVault(client, path, answer, `see conf.fromCp.auth.${auth.kind}`);
    }
    renewLater(given, numberIn(answer.body, 'auth', 'lease_duration') * 1000);
    return given;
  };
  const current = (): Promise<string | undefined> => {
    token ??= begin().catch((error: unknown) => {
      token = undefined;
      throw error;
    });
    return token;
  };
  const forget = (): void => {
    token = undefined;
    renewal?.stop();
  };
  const beginAnew = async (): Promise<void> => {
    forget();
    await current().catch(context.onFailure);
  };
  /** Milliseconds: `life` that the token has left, 0 for one that does not end; `granted` that it had at first. */
  const renewLater = (of: string, life: number, granted = life): void => {
    renewal?.stop();
    if (life === 0 || ending.signal.aborted) return;
    const end = context.now() + life;
    renewal = context.at(context.now() + Math.max(shortestWait, (life * 2) / 3), () => void renew(of, granted, end));
  };
  const renew = async (of: string, granted: number, end: number): Promise<void> => {
    const path = 'auth/token/renew-self';
    try {
      const answer = await client.call({ method: 'POST', path, token: of, body: {}, signal: limit() });
      if (answer.status !== 200) throw refusedByVault(client, path, answer, 'the token is not renewed');
      const next = numberIn(answer.body, 'auth', 'lease_duration') * 1000;
      // Nearing the longest life that Vault gives it, each renewal gives less.
      const isEnding = next * 2 < granted;
      if (isEnding && auth.kind !== 'token') {
        await beginAnew();
        return;
      }
      if (isEnding) warn(next);
      renewLater(of, next, granted);
    } catch (error) {
      if (ending.signal.aborted) return;
      const remaining = end - context.now();
      if (auth.kind !== 'token' || remaining <= 0) {
        await beginAnew();
        return;
      }
      context.onFailure(error);
      const wait = Math.max(shortestWait, Math.min(longestRetry, remaining / 3));
      renewal = context.at(context.now() + wait, () => void renew(of, granted, end));
    }
  };
  const warn = (life: number): void => {
    context.stale();
    if (warned) return;
    warned = true;
    const message = `the token for Vault at ${client.address} ends in ${life / 1000} s and can be renewed no more: put a new one where conf.fromCp.auth.token says`;
    context.onFailure(new MeshError('unavailable', message));
  };

  return {
    async call(call) {
      const answer = await client.call({ ...call, token: await current() });
      if (answer.status !== forbidden || auth.kind === 'agent') return answer;
      if (auth.kind === 'token') {
        context.stale();
        return answer;
      }
      forget();
      return await client.call({ ...call, token: await current() });
    },
    stop() {
      ending.abort();
      renewal?.stop();
    },
  };
}

function isTrue(body: VaultAnswer['body'], name: string): boolean {
  const { data } = body;
  return typeof data === 'object' && data !== null && Reflect.get(data, name) === true;
}
