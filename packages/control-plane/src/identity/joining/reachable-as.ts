// How other hosts reach and know this control plane: what a join code says of it, taken from its certificate and this machine's addresses.
import { X509Certificate } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { isIP } from 'node:net';
import { MeshError } from '@ursa/resources';
import { certificateFingerprint } from '../server-certificate.ts';

const certificateSetting = 'KUMA_GENERAL_TLS_CERT_FILE or KUMA_DP_SERVER_TLS_CERT_FILE, whichever is in use';

/**
 * The authority that a server's certificate leads to: the last one of its chain, PEM. Errors: `MeshError('conflict')` when the chain
 * holds none, so that nobody could find it by its fingerprint.
 */
export function authorityOf(chain: string): { readonly certificate: string; readonly fingerprint: string } {
  const last = chain.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)?.at(-1) ?? '';
  const parsed = new X509Certificate(last);
  if (!parsed.ca && !parsed.checkIssued(parsed)) {
    throw new MeshError(
      'conflict',
      `the file of the control plane's certificate does not hold the authority that signed it, by which hosts that join know it: append the authority's certificate (${certificateSetting}) and restart`,
    );
  }
  return { certificate: `${last}\n`, fingerprint: certificateFingerprint(last) };
}

/** Names and addresses in a certificate: what `--address` may say. */
export function namesOf(chain: string): readonly string[] {
  const alternatives = new X509Certificate(chain).subjectAltName ?? '';
  return alternatives
    .split(', ')
    .map((entry) => /^(?:DNS|IP Address):(.*)$/.exec(entry)?.[1] ?? '')
    .filter((name) => name !== '' && !name.includes('*'))
    .map(canonical);
}

/** Where join codes lead. */
export interface ReachableAs {
  /** Fingerprint of the authority. Errors: `MeshError('conflict')` when the certificate's chain holds none. */
  authority(): string;
  /** URLs for a code. Errors: `MeshError('invalid')` for addresses that cannot be. */
  addresses(wanted: readonly string[], calledAs: string): Promise<readonly string[]>;
}

/** What addresses are chosen from. */
export interface AddressFacts {
  /** In the certificate. */
  readonly names: readonly string[];
  /** Asked for; empty to choose. */
  readonly wanted: readonly string[];
  /** Host under which the caller reached the control plane. */
  readonly calledAs: string;
  /** Address of this machine from which it would reach the world; '' when it does not know. */
  readonly outward: string;
  /** Addresses of this machine's interfaces, loopback aside. */
  readonly own: readonly string[];
  readonly port: number;
}

const most = 4;

/** URLs for a join code, the best one first. Errors: `MeshError('invalid')` for addresses that the certificate is not for, or when there is none. */
export function chooseAddresses({ names, wanted, calledAs, outward, own, port }: AddressFacts): readonly string[] {
  const known = new Set(names);
  const shown = names.filter((name) => !isLoopback(name)).join(', ') || 'this host alone';
  if (wanted.length > 0) return wanted.map((address) => wantedUrl(address, known, shown, port));
  const others = names.filter((name) => isIP(name) === 0);
  const candidates = [canonical(calledAs), canonical(outward), ...own.map(canonical), ...others];
  const chosen = [...new Set(candidates)].filter((name) => known.has(name) && !isLoopback(name)).slice(0, most);
  if (chosen.length > 0) return chosen.map((name) => urlOf(name, port));
  throw new MeshError(
    'invalid',
    `addresses: the control plane's certificate is for ${shown}, and for no address of this host now: give the control plane a certificate with one (kumactl generate tls-certificate, ${certificateSetting}), or remove kuma-cp.crt from its work directory, and restart it`,
    { violations: [{ field: 'addresses', message: `expected an address that the certificate is for: ${shown}` }] },
  );
}

/** URL under which processes of this machine reach the control plane: by loopback when the certificate allows. */
export function localUrl(names: readonly string[], own: readonly string[], port: number): string {
  const name = ['localhost', '127.0.0.1', '::1', ...own.map(canonical), ...names].find((one) => names.includes(one));
  return urlOf(name ?? 'localhost', port);
}

/** The address from which this machine would send to the world. Nothing is sent. '' when it has no way there. */
export function outwardAddress(): Promise<string> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    const finish = (address: string): void => {
      socket.close();
      resolve(address);
    };
    socket.once('error', () => finish(''));
    // An address for documentation: any that is not on this network.
    socket.connect(9, '192.0.2.1', () => finish(socket.address().address));
  });
}

function wantedUrl(address: string, known: ReadonlySet<string>, shown: string, port: number): string {
  const url = URL.parse(`https://${isIP(address) === 6 ? `[${address}]` : address}`);
  const name = canonical(url?.hostname ?? '');
  if (url !== null && url.pathname === '/' && known.has(name))
    return urlOf(name, url.port === '' && !address.endsWith(':443') ? port : Number(url.port || 443));
  const message =
    url === null || url.pathname !== '/'
      ? `expected a name or an address, with or without a port, found ${JSON.stringify(address.slice(0, 100))}`
      : `the control plane's certificate is not for ${name}, but for ${shown}`;
  throw new MeshError('invalid', `addresses: ${message}`, { violations: [{ field: 'addresses', message }] });
}

function urlOf(name: string, port: number): string {
  return `https://${isIP(name) === 6 ? `[${name}]` : name}:${port}`;
}

function canonical(name: string): string {
  const bare = name.replaceAll(/[[\]]/g, '');
  return isIP(bare) === 6 ? new URL(`http://[${bare}]/`).hostname.slice(1, -1) : bare.toLowerCase();
}

function isLoopback(name: string): boolean {
  return name === 'localhost' || name === '::1' || /^127\./.test(name);
}
