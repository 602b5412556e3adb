// Says what to do when the bootstrap could not be had, and whether trying again can help.
import { X509Certificate } from 'node:crypto';
import { MeshError } from '@ursa/resources';
import { describeCertificate, lookAtCertificate, type Trust } from './trust.ts';

/** Why an attempt failed. */
export interface Failure {
  readonly error: MeshError;
  /** Whether the same request may succeed later without anybody changing it. */
  readonly retry: boolean;
}

/** What the failed attempt was about. */
export interface Attempt {
  readonly url: URL;
  /** Further addresses of the same control plane. */
  readonly others?: readonly URL[];
  readonly mesh: string;
  readonly name: string;
  readonly proxyType: string;
  /** Whether the proxy brought its resource along. */
  readonly broughtResource: boolean;
  readonly hasToken: boolean;
  readonly trust: Trust;
}

/** Explains an answer other than 200. */
export function explainAnswer(attempt: Attempt, status: number, body: string): Failure {
  const said = answerText(body);
  const quoted = said === '' ? '' : `: ${said}`;
  const stop = (code: ConstructorParameters<typeof MeshError>[0], message: string): Failure => ({
    error: new MeshError(code, message),
    retry: false,
  });
  if (/\bglobal\b/i.test(said)) {
    return stop(
      'unsupported',
      `${attempt.url.origin} is a global control plane${quoted}; give the address of this zone's control plane with --cp-address`,
    );
  }
  if ((status === 404 && said.includes('Page Not Found')) || status === 405) {
    return stop(
      'invalid',
      `${attempt.url.origin} has no /bootstrap: --cp-address must be the control plane's server for proxies (port 5678 by default), not its API (5681, 5682) and not a global control plane`,
    );
  }
  if (status === 404) {
    const missing = attempt.broughtResource
      ? `mesh "${attempt.mesh}" does not exist${quoted}; create it, or correct the mesh of the ${attempt.proxyType}`
      : `the control plane has no ${attempt.proxyType} "${attempt.name}" in mesh "${attempt.mesh}"${quoted}; create it there, or bring it along with --dataplane-file`;
    return { error: new MeshError('not-found', missing), retry: !attempt.broughtResource };
  }
  if (status === 401 || status === 403 || (status === 422 && /token/i.test(said))) {
    const make = `kumactl generate dataplane-token --mesh ${attempt.mesh} --name ${attempt.name} --valid-for 720h`;
    const problem = attempt.hasToken
      ? `the control plane refuses the token of this proxy${quoted}`
      : `the control plane wants a token${quoted}`;
    return stop(
      attempt.hasToken ? 'forbidden' : 'unauthenticated',
      `${problem}; make one with "${make}" and give it with --dataplane-token-file`,
    );
  }
  if (status >= 400 && status < 500)
    return stop('invalid', `the control plane refuses this proxy (${status})${quoted}`);
  return {
    error: new MeshError(
      'unavailable',
      `the control plane at ${attempt.url.origin} answered ${status}${quoted}; its own log says more`,
    ),
    retry: true,
  };
}

/** Explains why there was no answer. Looks at the server's certificate when it could not be verified. */
export async function explainSilence(attempt: Attempt, cause: Error & { readonly code?: string }): Promise<Failure> {
  const { url } = attempt;
  const code = cause.code ?? '';
  const later = (message: string): Failure => ({
    error: new MeshError('unavailable', message, { cause }),
    retry: true,
  });
  const never = (message: string): Failure => ({ error: new MeshError('invalid', message, { cause }), retry: false });
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const facts = await lookAtCertificate(hostOf(url), portOf(url));
    return never(
      `the control plane's certificate is not for "${hostOf(url)}"${facts === undefined ? '' : ` but for ${facts.names}`}; use one of its names in --cp-address`,
    );
  }
  if (code === 'CERT_HAS_EXPIRED')
    return never(`the control plane's certificate has expired: ${cause.message}; renew it on the control plane`);
  if (/SELF_SIGNED|UNABLE_TO|CERT|ISSUER|SIGNATURE/.test(code) || /certificate/i.test(cause.message))
    return never(await explainStranger(attempt));
  if (code === 'EPROTO' || /wrong version number|packet length too long|ERR_SSL/i.test(`${code} ${cause.message}`)) {
    return never(
      `${url.origin} does not speak TLS: --cp-address must be the control plane's server for proxies (port 5678 by default), not its API (5681)`,
    );
  }
  if (url.protocol === 'http:' && (code === 'ECONNRESET' || code.startsWith('HPE_'))) {
    return never(
      `${url.origin} closed the connection: the control plane's server for proxies speaks https; write --cp-address https://${url.host}`,
    );
  }
  if (code === 'ECONNREFUSED') {
    return later(
      `nothing listens at ${url.host}: start the control plane ("kuma-cp run"), or correct --cp-address; a global control plane has no server for proxies`,
    );
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return later(`the name "${hostOf(url)}" does not resolve: correct --cp-address, or this machine's DNS`);
  return later(`the control plane at ${url.host} did not answer: ${cause.message}`);
}

/** The certificate did not lead to anyone we trust: names it, and the flags that decide. */
async function explainStranger({ url, trust }: Attempt): Promise<string> {
  const facts = await lookAtCertificate(hostOf(url), portOf(url));
  const shown =
    facts === undefined ? '' : ` It shows ${facts.subject}, signed by ${facts.issuer}, SHA-256 ${facts.fingerprint}.`;
  if (trust.caCert === '') {
    return (
      `the control plane at ${url.host} cannot be verified: no authority that this machine trusts signed its certificate.${shown}` +
      ' Give the certificate of its authority with --ca-cert-file (kuma-cp keeps its own in its work directory, kuma-cp.crt);' +
      ' on a test machine --skip-verify goes without'
    );
  }
  const given = describeCertificate(new X509Certificate(trust.caCert));
  return (
    `the control plane at ${url.host} is not the one that ${trust.source} vouches for.${shown}` +
    ` ${trust.source} holds ${given.subject}, SHA-256 ${given.fingerprint}. Take the certificate from this very control plane`
  );
}

/** The text of an error answer: the peer's plain text, or the detail of a standard error. At most 500 characters. */
function answerText(body: string): string {
  let text = body;
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === 'object' && parsed !== null) {
      const { title, detail, details } = parsed as Record<string, unknown>;
      text = [title, detail ?? details].filter((part) => typeof part === 'string').join(': ');
    }
  } catch {
    text = body;
  }
  return text.trim().slice(0, 500);
}

function hostOf(url: URL): string {
  return url.hostname.replaceAll(/[[\]]/g, '');
}

function portOf(url: URL): number {
  return url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
}
