// Exchanges a join code at the control plane. What is secret in it goes only to a server whose certificate the authority in the code has signed.
import { createHash, X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { type RequestOptions, request } from 'node:https';
import { isIP } from 'node:net';
import { type JoinCode, MeshError } from '@ursa/resources';
import type { Membership } from './membership.ts';

/** What is said beside the code; '' to leave it to the code and the control plane. */
export interface JoinWish {
  readonly service: string;
  readonly name: string;
}

const timeout = 5000;
const longestAnswer = 64 * 1024;

/**
 * The membership that the code is good for. Tries the addresses of the code in their order; one that is not the control plane's is told nothing.
 * Errors: `MeshError` in the control plane's words, or that says why none of the addresses will do.
 */
export async function exchangeCode(code: JoinCode, wish: JoinWish, signal: AbortSignal): Promise<Membership> {
  const failures: string[] = [];
  for (const address of code.addresses) {
    const url = new URL(address);
    let authority: string;
    let answer: Answer;
    try {
      authority = await fetchAuthority(url, code.authority, signal);
      const { id, secret } = code;
      answer = await post(url, '/join', { id, secret, ...wish }, { ca: authority }, signal);
    } catch (cause) {
      signal.throwIfAborted();
      failures.push(explain(url, code.authority, cause as Error));
      continue;
    }
    return { ...readAnswer(url, answer), controlPlaneUrl: [address, ...others(code, address)].join(','), authority };
  }
  throw new MeshError('unavailable', failures.join('\n'));
}

function others({ addresses }: JoinCode, used: string): readonly string[] {
  return addresses.filter((address) => address !== used);
}

/**
 * The authority of the code, PEM. Whoever answers may send what they like: only the one certificate with the right fingerprint is taken, and
 * that one is no secret.
 */
async function fetchAuthority(url: URL, fingerprint: string, signal: AbortSignal): Promise<string> {
  const { status, body } = await post(url, '/join/authority', {}, { rejectUnauthorized: false }, signal);
  if (status === 404) {
    throw new Error('it is no server for proxies of a control plane that knows join codes');
  }
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(body);
  } catch {
    throw new StrangerError('none');
  }
  const found = createHash('sha256').update(certificate.raw).digest('hex');
  if (found !== fingerprint) throw new StrangerError(found);
  return certificate.toString();
}

/** Somebody answered who is not the control plane of the code. */
class StrangerError extends Error {}

interface Answer {
  readonly status: number;
  readonly body: string;
}

function post(
  url: URL,
  path: string,
  content: object,
  trust: Pick<RequestOptions, 'ca' | 'rejectUnauthorized'>,
  signal: AbortSignal,
): Promise<Answer> {
  const text = JSON.stringify(content);
  const host = url.hostname.replaceAll(/[[\]]/g, '');
  return new Promise((resolve, reject) => {
    const outgoing = request(
      new URL(path, url),
      {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) },
        // A connection that was not verified must never be used again.
        agent: false,
        minVersion: 'TLSv1.2',
        ...(isIP(host) === 0 ? { servername: host } : {}),
        // Said, because an application's NODE_TLS_REJECT_UNAUTHORIZED would speak for it.
        rejectUnauthorized: true,
        ...trust,
        timeout,
        signal,
      },
      (response: IncomingMessage) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          body += chunk;
          if (body.length > longestAnswer) outgoing.destroy(new Error('its answer is too long'));
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
        response.on('error', reject);
      },
    );
    outgoing.on('timeout', () => outgoing.destroy(new Error('it does not answer')));
    outgoing.on('error', reject);
    outgoing.end(text);
  });
}

function readAnswer(url: URL, { status, body }: Answer): Omit<Membership, 'controlPlaneUrl' | 'authority'> {
  if (status !== 200) {
    const said = body.trim().slice(0, 1000);
    const code = status === 503 ? 'unavailable' : status === 403 ? 'forbidden' : 'invalid';
    throw new MeshError(code, said === '' ? `${url.host} answered ${status}; its log says why` : said);
  }
  const { mesh, service, name, token } = JSON.parse(body) as Partial<Membership>;
  if (mesh !== undefined && service !== undefined && name !== undefined && token !== undefined)
    return { mesh, service, name, token };
  throw new MeshError('invalid', `${url.host} answered, but not what a control plane answers to a join code`);
}

function explain(url: URL, fingerprint: string, cause: Error & { readonly code?: string }): string {
  const code = cause.code ?? '';
  const isStranger = cause instanceof StrangerError || /CERT|SELF_SIGNED|UNABLE_TO|SIGNATURE|ISSUER/.test(code);
  if (isStranger) {
    const shown = cause instanceof StrangerError ? `it shows the authority ${cause.message}` : cause.message;
    return (
      `${url.host} is not the control plane of this join code, and was told nothing: ${shown}, the code wants ${fingerprint}. ` +
      'If the control plane has a new certificate, make a new code there ("kumactl generate join-code"); else somebody may be in between'
    );
  }
  if (code === 'ECONNREFUSED')
    return `nothing listens at ${url.host}: is the control plane running, and port ${url.port} open?`;
  return `${url.host} could not be asked: ${cause.message}`;
}
