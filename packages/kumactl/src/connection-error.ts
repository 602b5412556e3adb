// Why a control plane could not be reached, and what to do about it.
import { MeshError } from '@ursa/resources';

const showAddresses = 'kumactl config control-planes list';
const untrusted =
  'its certificate is not trusted: give the CA that signed it with "kumactl config control-planes add --ca-cert-file"';

const advice: Readonly<Record<string, string>> = {
  ECONNREFUSED: `nothing listens there: is the control plane running (kuma-cp run), and is the address right (${showAddresses})?`,
  ConnectionRefused: `nothing listens there: is the control plane running (kuma-cp run), and is the address right (${showAddresses})?`,
  ENOTFOUND: `the host name is not known: check the address (${showAddresses})`,
  EAI_AGAIN: `the host name could not be looked up: check the address (${showAddresses}) and the name server`,
  ECONNRESET: 'the connection was closed before the answer: is that address plain HTTP or HTTPS (5681, 5682)?',
  EPROTO: 'it does not speak TLS: use http:// for the plain port (5681), https:// for the other (5682)',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS: use http:// for the plain port (5681), https:// for 5682',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name: use an address with a name that it carries',
};

/** The error for a request that got no answer. */
export function connectionError(address: string, cause: Error): MeshError {
  const code = 'code' in cause ? String(cause.code) : '';
  const text = `could not reach the control plane at ${withoutPassword(address)}: ${advice[code] ?? cause.message}`;
  return new MeshError('unavailable', text, { cause });
}

/** An address as it may be shown: what stands before the @ can be a secret. */
export function withoutPassword(address: string): string {
  return address.replace(/\/\/[^/@]*@/, '//…@');
}
