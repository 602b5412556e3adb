// Whether this host speaks IPv6 at all.
import { readFileSync } from 'node:fs';
import { parse, stringify } from 'yaml';

const ipv6Table = '/proc/net/if_inet6';

/** Whether any interface has an IPv6 address: the table is empty where IPv6 is switched off, and missing where the kernel has none. */
export function hasIpv6(table = ipv6Table): boolean {
  try {
    return readFileSync(table, 'utf8') !== '';
  } catch {
    return false;
  }
}

interface Bootstrap {
  readonly staticResources?: { readonly clusters?: readonly { type?: string; dnsLookupFamily?: string }[] };
}

/** Without IPv6 names are looked up as IPv4 alone: of `localhost` Envoy takes ::1 otherwise, whatever the host can reach. */
export function withIpv4Names(yaml: string): string {
  const bootstrap: Bootstrap | null = parse(yaml);
  for (const cluster of bootstrap?.staticResources?.clusters ?? []) {
    if (cluster.type?.endsWith('_DNS') === true) cluster.dnsLookupFamily ??= 'V4_ONLY';
  }
  return stringify(bootstrap, { lineWidth: 0, aliasDuplicateObjects: false });
}
