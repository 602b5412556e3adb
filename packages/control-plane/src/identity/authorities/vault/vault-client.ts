// Speaks the HTTP API of Vault and OpenBao: one call, its answer or what is in the way, in words that name the server and the path.
import { type IncomingMessage, Agent as PlainAgent, request as plainRequest } from 'node:http';
import { Agent, request } from 'node:https';
import { MeshError } from '@ursa/resources';

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

const largestAnswer = 1024 * 1024;

/** Opens no connection before the first call. */
export function createVaultClient(server: VaultServer): VaultClient {
  const { address, namespace, caCert, skipVerify, serverName, client } = server;
  const isPlain = address.startsWith('http:');
  const agent = isPlain
    ? new PlainAgent({ keepAlive: true, maxSockets: 8 })
    : new Agent({
        keepAlive: true,
        maxSockets: 8,
        minVersion: 'TLSv1.2',
        rejectUnauthorized: !skipVerify,
        ...(caCert === undefined ? {} : { ca: caCert }),
        ...(serverName === undefined ? {} : { servername: serverName }),
        ...(client === undefined ? {} : { cert: client.certificate, key: client.privateKey }),
      });
  const send = isPlain ? plainRequest : request;
  return {
    address,
    async call({ method, path, token, body, signal }) {
      const content = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
      const headers = {
        'x-vault-request': 'true',
        ...(token === undefined ? {} : { 'x-vault-token': token }),
        ...(namespace === '' ? {} : { 'x-vault-namespace': namespace }),
        ...(content === undefined ? {} : { 'content-type': 'application/json', 'content-length': content.length }),
      };
      try {
        const response = await new Promise<IncomingMessage>((resolve, reject) => {
          const call = send(new URL(`/v1/${path}`, address), { method, headers, agent, signal }, resolve);
          call.on('error', reject);
          call.end(content);
        });
        return await readAnswer(response);
      } catch (cause) {
        const reason = signal.aborted ? 'no answer in time' : cause instanceof Error ? cause.message : String(cause);
        throw new MeshError('unavailable', `Vault at ${address}: ${method} ${path}: ${reason || 'cannot be reached'}`, {
          cause,
        });
      }
    },
    stop: () => agent.destroy(),
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

/** A text within an answer; '' when it is not there. */
export function textIn(value: unknown, ...path: readonly string[]): string {
  const found = path.reduce<unknown>(fieldOf, value);
  return typeof found === 'string' ? found : '';
}

/** A number within an answer; 0 when it is not there. */
export function numberIn(value: unknown, ...path: readonly string[]): number {
  const found = path.reduce<unknown>(fieldOf, value);
  return typeof found === 'number' ? found : 0;
}

/** The texts of a list within an answer. */
export function textsIn(value: unknown, ...path: readonly string[]): readonly string[] {
  const found = path.reduce<unknown>(fieldOf, value);
  return Array.isArray(found) ? found.filter((item) => typeof item === 'string') : [];
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

async function readAnswer(response: IncomingMessage): Promise<VaultAnswer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > largestAnswer) throw new Error(`the answer is larger than ${largestAnswer} bytes`);
    chunks.push(chunk);
  }
  const status = response.statusCode ?? 0;
  const text = Buffer.concat(chunks).toString('utf8');
  try {
    const body: unknown = text === '' ? {} : JSON.parse(text);
    return { status, body: body as VaultAnswer['body'], errors: textsIn(body, 'errors') };
  } catch {
    return { status, body: {}, errors: [`an answer that is no JSON, status ${status}: is this a Vault?`] };
  }
}
