// Is this text an IP address, or a host name? Pure, because this package runs in browsers too.

const ipv4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;
const dnsName =
  /^(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*\.?$/;

/** True for an IPv4 address in dotted form. */
export function isIpv4(text: string): boolean {
  return ipv4.test(text);
}

/** True for an IPv6 address without a zone, an embedded IPv4 address included. */
export function isIpv6(text: string): boolean {
  if (text.length > 45 || !text.includes(':')) return false;
  const halves = text.split('::');
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')));
  const last = groups.at(-1);
  const embedded = last?.includes('.') === true;
  if (embedded && !isIpv4(last)) return false;
  const hexadecimal = embedded ? groups.slice(0, -1) : groups;
  if (!hexadecimal.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return false;
  const length = hexadecimal.length + (embedded ? 2 : 0);
  return halves.length === 2 ? length < 8 : length === 8;
}

/** True for an IPv4 or IPv6 address. */
export function isIp(text: string): boolean {
  return isIpv4(text) || isIpv6(text);
}

/** True for a host name of at most 255 characters that is not an IP address. */
export function isDnsName(text: string): boolean {
  return text !== '' && text.length <= 255 && !isIpv4(text) && dnsName.test(text);
}
