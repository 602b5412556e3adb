// Speaks the HTTP API of Vault and OpenBao: one call, its answer or what is in the way, in words that name the server and the path.
import { MeshError } from '@ursa/resources';
import { textsIn } from '../answer-fields.ts';
import { createHttpClient, type HttpAnswer } from '../http-client.ts';

/** Where a Vault is and how it is known to be the one. */
export interface VaultServer {
  /** Without a path. */
  readonly address: string;
  /** '' for none. */
  readonly namespace: string;
  /** PEM; undefined: those that the control plane's host trusts. */
  readonly caCert: string | undefined;
  readonly skipVerify: boolean;
  /** Name in its certificate, where that is not the one in its address. */
  readonly serverName: string | undefined;
  /** Certificate and key that are shown to it, PEM. */
  readonly client: { readonly certificate: string; readonly privateKey: string } | undefined;
}

/** An answer. */
export interface VaultAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  /** Vault's own words of what is wrong. */
  readonly errors: readonly string[];
}

/** One call. */
export interface VaultCall {
  readonly method: 'GET' | 'LIST' | 'POST';
  /** Under `/v1/`. */
  readonly path: string;
  readonly token?: string | undefined;
  readonly body?: object;
  readonly signal: AbortSignal;
}

/** Calls a Vault. */
export interface VaultClient {
  readonly address: string;
  /** Errors: `MeshError('unavailable')` when there is no answer. */
  call(call: VaultCall): Promise<VaultAnswer>;
  stop(): void;
}

/** Opens no connection before the first call. */
export function createVaultClient(server: VaultServer): VaultClient {
  const { address, namespace, caCert, skipVerify, serverName, client } = server;
  const http = createHttpClient(address, {
    rejectUnauthorized: !skipVerify,
    ...(caCert === undefined ? {} : { ca: caCert }),
    ...(serverName === undefined ? {} : { servername: serverName }),
    ...(client === undefined ? {} : { cert: client.certificate, key: client.privateKey }),
  });
  return {
    address,
    async call({ method, path, token, body, signal }) {
      const content = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
      const headers = {
        'x-vault-request': 'true',
        ...(token === undefined ? {} : { 'x-vault-token': token }),
        ...(namespace === '' ? {} : { 'x-vault-namespace': namespace }),
        ...(content === undefined ? {} : { 'content-type': 'application/json' }),
      };
      try {
        return readAnswer(await http.send({ method, path: `/v1/${path}`, headers, content, signal }));
      } catch (cause) {
        const reason = cause instanceof Error ? cause.message : String(cause);
        throw new MeshError('unavailable', `Vault at ${address}: ${method} ${path}: ${reason || 'cannot be reached'}`, {
          cause,
        });
      }
    },
    stop: () => http.stop(),
  };
}

/** The error that an answer other than success is. `remedy`: what to do about it. */
export function refusedByVault({ address }: VaultClient, path: string, answer: VaultAnswer, remedy: string): MeshError {
  const words = answer.errors.map((text) =>
    text
      .replace(/^\d+ errors? occurred:/, '')
      .replaceAll(/[\s*]+/g, ' ')
      .trim(),
  );
  const all = [`Vault at ${address}`, path, answer.status, ...(words.length > 0 ? [words.join('; ')] : []), remedy];
  return new MeshError('unavailable', all.join(': '));
}

function readAnswer({ status, text }: HttpAnswer): VaultAnswer {
  try {
    const body: unknown = text === '' ? {} : JSON.parse(text);
    return { status, body: body as VaultAnswer['body'], errors: textsIn(body, 'errors') };
  } catch {
    return { status, body: {}, errors: [`an answer that is no JSON, status ${status}: is this a Vault?`] };
  }
}
