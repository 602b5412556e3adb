// Gets Envoy's bootstrap from the control plane: one POST, verified, tried again while that can help.
import { type IncomingMessage, request as requestPlain } from 'node:http';
import { request as requestTls } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatDuration, MeshError } from '@ursa/resources';
import { parse } from 'yaml';
import type { AdminAddress } from '../envoy/admin.ts';
import type { Log } from '../log.ts';
import { type Attempt, explainAnswer, explainSilence, type Failure } from './explain-failure.ts';
import { atEachAddress } from './several-addresses.ts';
import { tlsOptions } from './trust.ts';

/** What the control plane answered. */
export interface Bootstrap {
  /** Envoy's bootstrap, as YAML, with the token inside. */
  readonly yaml: string;
  readonly admin: AdminAddress;
  /** The address it came from. */
  readonly url: URL;
  /** The proxy's own address, as its Dataplane says; '' where the control plane does not tell. */
  readonly address: string;
}

/** How long and how often to try. Milliseconds. */
export interface RetryPolicy {
  readonly backoff: number;
  readonly maxDuration: number;
}

/** One server of the control plane and one request to it. */
export interface BootstrapCall extends Attempt {
  readonly body: string;
}

const requestTimeout = 10_000;
const answerLimit = 8 << 20;

/** Fetches the bootstrap. Throws a {@link MeshError} that says what to do; rejects with the signal's reason when it is aborted. */
export async function fetchBootstrap(
  call: BootstrapCall,
  retry: RetryPolicy,
  log: Log,
  signal: AbortSignal,
): Promise<Bootstrap> {
  const deadline = performance.now() + retry.maxDuration;
  let lastReason = '';
  for (;;) {
    const outcome = await attempt(call, signal);
    if (!('error' in outcome)) return outcome;
    signal.throwIfAborted();
    if (!outcome.retry) throw outcome.error;
    if (performance.now() + retry.backoff > deadline) {
      throw new MeshError(
        outcome.error.code,
        `no bootstrap within ${formatDuration(retry.maxDuration)}: ${outcome.error.message}`,
        { cause: outcome.error },
      );
    }
    const { message } = outcome.error;
    if (message !== lastReason)
      log.warn(message, {
        tryingAgainEvery: formatDuration(retry.backoff),
        forAtMost: formatDuration(retry.maxDuration),
      });
    lastReason = message;
    await sleep(retry.backoff, undefined, { signal });
  }
}

/** At each address, until one answers. What the first one that answers says counts; else what is wrong with the first. */
async function attempt(call: BootstrapCall, signal: AbortSignal): Promise<Bootstrap | Failure> {
  let first: Failure | undefined;
  for (const one of atEachAddress(call)) {
    const outcome = await attemptOne(one, signal);
    if (!('error' in outcome) || !outcome.retry || signal.aborted) return outcome;
    first ??= outcome;
  }
  return first ?? attemptOne(call, signal);
}

async function attemptOne(call: BootstrapCall, signal: AbortSignal): Promise<Bootstrap | Failure> {
  let answer: { status: number; body: string };
  try {
    answer = await post(call, signal);
  } catch (cause) {
    return explainSilence(call, cause as Error);
  }
  return answer.status === 200 ? readBootstrap(call.url, answer.body) : explainAnswer(call, answer.status, answer.body);
}

function post(call: BootstrapCall, signal: AbortSignal): Promise<{ status: number; body: string }> {
  const url = new URL('/bootstrap', call.url);
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json',
    'content-length': Buffer.byteLength(call.body),
  };
  const options = { method: 'POST', headers, agent: false, timeout: requestTimeout, signal } as const;
  return new Promise((resolve, reject) => {
    const onAnswer = (response: IncomingMessage): void => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > answerLimit) outgoing.destroy(new Error('the answer is too large to be a bootstrap'));
        else chunks.push(chunk);
      });
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }),
      );
      response.on('error', reject);
    };
    const outgoing =
      url.protocol === 'https:'
        ? requestTls(url, { ...options, ...tlsOptions(call.trust) }, onAnswer)
        : requestPlain(url, options, onAnswer);
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer within ${formatDuration(requestTimeout)}`)));
    outgoing.on('error', reject);
    outgoing.end(call.body);
  });
}

/** Takes the answer apart. Its YAML is Envoy's to judge; only the address of the admin interface is read here. */
function readBootstrap(url: URL, body: string): Bootstrap {
  try {
    const answer: Answer = JSON.parse(body);
    if (typeof answer.bootstrap !== 'string') throw new Error('it has no "bootstrap"');
    const yaml = Buffer.from(answer.bootstrap, 'base64').toString('utf8');
    const address = answer.kumaSidecarConfiguration?.networking?.address;
    return { yaml, admin: readAdminAddress(yaml), url, address: typeof address === 'string' ? address : '' };
  } catch (cause) {
    throw new MeshError(
      'invalid',
      `the control plane's answer is not a bootstrap: ${(cause as Error).message}; is --cp-address a Kuma control plane?`,
      { cause },
    );
  }
}

interface Answer {
  readonly bootstrap?: unknown;
  readonly kumaSidecarConfiguration?: { readonly networking?: { readonly address?: unknown } };
}

interface BootstrapYaml {
  readonly admin?: {
    readonly address?: {
      readonly pipe?: { readonly path?: string };
      readonly socketAddress?: { readonly address?: string; readonly portValue?: number };
    };
  };
}

function readAdminAddress(yaml: string): AdminAddress {
  const address = (parse(yaml) as BootstrapYaml | null)?.admin?.address;
  if (address?.pipe?.path !== undefined) return { socketPath: address.pipe.path };
  const { address: host, portValue: port } = address?.socketAddress ?? {};
  if (host !== undefined && port !== undefined) return { host, port };
  throw new Error('it has no admin interface, without which a proxy cannot be drained');
}
