// Every virtual IPv4 address has an IPv6 twin, so that applications which prefer IPv6 find their services too.

/** `240.0.0.1` → `fd00:fd00::f000:1`. */
export function virtualIpv6(address: string): string {
  const [first = 0, second = 0, third = 0, fourth = 0] = address.split('.').map(Number);
  const high = (first * 256 + second).toString(16);
  const low = (third * 256 + fourth).toString(16);
  return `fd00:fd00::${high}:${low}`;
}
