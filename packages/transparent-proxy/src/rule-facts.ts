// What rules are made from: the configuration and what is known of the host, for one family.
import type { TransparentProxyConfig } from './config-fields.ts';
import type { IpFamily } from './ip-range.ts';

/** What the iptables of a host can do. */
export interface Capabilities {
  readonly comment: boolean;
  /** Zones of connection tracking: the table raw, and the matches that go with it. */
  readonly zones: boolean;
  readonly mangle: boolean;
  /** Docker answers DNS in this namespace by a chain of its own, to which requests of kuma-dp have to go. */
  readonly dockerDns: boolean;
}

/** All of it: presumed where iptables could not be asked. */
export const presumedCapabilities: Capabilities = { comment: true, zones: true, mangle: true, dockerDns: false };

/** Facts for the rules of one family. */
export interface RuleFacts {
  readonly config: TransparentProxyConfig;
  readonly family: IpFamily;
  /** Of the user that runs kuma-dp. */
  readonly uid: string;
  /** Name of the loopback interface. */
  readonly loopback: string;
  /** DNS servers of this family that the host asks; read only when not all DNS is redirected. */
  readonly dnsServers: readonly string[];
  readonly capabilities: Capabilities;
}

/** Addresses with a meaning of their own, by family. `bypass` is where Envoy sends from when it reaches the application. */
export const familyAddresses = {
  ipv4: { localhost: '127.0.0.1/32', bypass: '127.0.0.6/32' },
  ipv6: { localhost: '::1/128', bypass: '::6/128' },
} as const;

/** Port of DNS. */
export const dnsPort = 53;

/** How DNS of this family is redirected: all of it, or that for the host's servers; undefined when none is. */
export function redirectedDns({ config, dnsServers }: RuleFacts): 'all' | readonly string[] | undefined {
  if (!config.dnsEnabled) return undefined;
  if (config.dnsCaptureAll) return 'all';
  return dnsServers.length === 0 ? undefined : dnsServers;
}
