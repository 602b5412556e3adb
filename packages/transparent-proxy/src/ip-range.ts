// An IP address or a network, and which family it is of.
import { isIpv4, isIpv6 } from '@ursa/resources';

/** The two kinds of IP, each with tables of its own. */
export type IpFamily = 'ipv4' | 'ipv6';

/** Family of an address, or of a network `address/bits`; undefined when the text is neither. */
export function familyOf(text: string): IpFamily | undefined {
  const [address = '', bits, ...rest] = text.split('/');
  const family = isIpv4(address) ? 'ipv4' : isIpv6(address) ? 'ipv6' : undefined;
  if (family === undefined || rest.length > 0) return undefined;
  if (bits === undefined) return family;
  return /^\d{1,3}$/.test(bits) && Number(bits) <= (family === 'ipv4' ? 32 : 128) ? family : undefined;
}
