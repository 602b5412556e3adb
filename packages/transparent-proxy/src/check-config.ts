// What a single field cannot say: fields that contradict each other, and what is not done here.
import { MeshError, type Violation } from '@ursa/resources';
import { executableNames, type TransparentProxyConfig } from './config-fields.ts';
import { addressesOf, parseUserExclusion, parseVirtualNetwork } from './exclusions.ts';

/** Throws one `MeshError` with everything that is wrong with a configuration. */
export function checkConfig(config: TransparentProxyConfig): void {
  if (config.ebpfEnabled) {
    throw new MeshError(
      'unsupported',
      'ebpf.enabled (--ebpf-enabled): traffic is redirected by iptables only, with the same result; leave it out',
    );
  }
  config.outboundExcludeUids.forEach(parseUserExclusion);
  config.vnetNetworks.forEach(parseVirtualNetwork);
  addressesOf('ipv4', config.inboundExcludeIps, 'redirect.inbound.excludePortsForIPs (--exclude-inbound-ips)');
  addressesOf('ipv4', config.outboundExcludeIps, 'redirect.outbound.excludePortsForIPs (--exclude-outbound-ips)');
  const violations = [...checkInbound(config), ...checkPorts(config), ...checkExecutables(config)];
  if (violations.length === 0) return;
  const message = violations.map(({ field, message: what }) => `${field}: ${what}`).join('\n');
  throw new MeshError('invalid', message);
}

/** What is odd, but may be meant. */
export function configWarnings(config: TransparentProxyConfig): readonly string[] {
  return [
    ...(config.dnsCaptureAll && !config.dnsEnabled
      ? ['redirect.dns.captureAll has no effect while redirect.dns.enabled is false']
      : []),
    ...(config.inboundIncludePorts.length > 0 && config.inboundExcludePorts.length > 0
      ? ['redirect.inbound.excludePorts has no effect beside includePorts']
      : []),
    ...(config.outboundIncludePorts.length > 0 && config.outboundExcludePorts.length > 0
      ? ['redirect.outbound.excludePorts has no effect beside includePorts']
      : []),
  ];
}

function checkInbound({ inboundExcludeUids }: TransparentProxyConfig): readonly Violation[] {
  if (inboundExcludeUids.length === 0) return [];
  const message = 'packets that arrive have no owner; use excludePorts or excludePortsForIPs instead';
  return [{ field: 'redirect.inbound.excludePortsForUIDs', message }];
}

function checkPorts(config: TransparentProxyConfig): readonly Violation[] {
  const ports = new Map<number, string>();
  const violations: Violation[] = [];
  for (const [field, port] of [
    ['redirect.inbound.port (--redirect-inbound-port)', config.inboundPort],
    ['redirect.outbound.port (--redirect-outbound-port)', config.outboundPort],
    ['redirect.dns.port (--redirect-dns-port)', config.dnsPort],
  ] as const) {
    const other = ports.get(port);
    if (other === undefined) ports.set(port, field);
    else violations.push({ field, message: `is ${port}, and so is ${other}; each needs a port of its own` });
  }
  return violations;
}

function checkExecutables({ executables }: TransparentProxyConfig): readonly Violation[] {
  return (['iptables', 'ip6tables'] as const).flatMap((prefix) => {
    const names = executableNames.filter((name) => name.startsWith(prefix));
    const given = names.filter((name) => executables[name] !== undefined);
    if (given.length === 0 || given.length === names.length) return [];
    const message = `${names.join(', ')} go together; ${names.filter((name) => !given.includes(name)).join(', ')} is missing`;
    return [{ field: 'iptablesExecutables (--iptables-executables)', message }];
  });
}
