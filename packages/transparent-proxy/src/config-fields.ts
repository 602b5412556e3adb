// Every field of the transparent proxy's configuration, with the peer's names (reference s15). Types, documents, environment, flags and help
// are made from it.
import {
  type ConfigField,
  choiceField,
  durationField,
  numberField,
  pathsField,
  portField,
  portsField,
  switchField,
  textField,
  textsField,
} from './config-field.ts';

const unsigned = { least: 0, most: 2 ** 32 - 1 };

/** Programs of iptables whose paths may be given. */
export const executableNames = [
  'iptables',
  'iptables-save',
  'iptables-restore',
  'ip6tables',
  'ip6tables-save',
  'ip6tables-restore',
] as const;

/** Fields by the name that code uses. */
export const configFields = {
  kumaDpUser: textField({
    path: 'kumaDPUser',
    env: 'KUMA_DP_USER',
    flag: 'kuma-dp-user',
    placeholder: 'user',
    help: 'name or UID of the user that runs kuma-dp, whose traffic is not redirected; when not given, the user with UID 5678 or named kuma-dp',
  }),
  ipFamilyMode: choiceField(['dualstack', 'ipv4'], {
    path: 'ipFamilyMode',
    env: 'IP_FAMILY_MODE',
    flag: 'ip-family-mode',
    help: 'which traffic is redirected: IPv4 and IPv6, or IPv4 alone',
  }),
  inboundEnabled: switchField({
    path: 'redirect.inbound.enabled',
    env: 'REDIRECT_INBOUND_ENABLED',
    flag: 'redirect-inbound',
    initial: true,
    help: 'redirect traffic that arrives; not for gateways',
  }),
  inboundPort: portField({
    path: 'redirect.inbound.port',
    env: 'REDIRECT_INBOUND_PORT',
    flag: 'redirect-inbound-port',
    initial: 15_006,
    help: "Envoy's port for traffic that arrives; the same as redirectPortInbound in the Dataplane",
  }),
  inboundIncludePorts: portsField({
    path: 'redirect.inbound.includePorts',
    env: 'REDIRECT_INBOUND_INCLUDE_PORTS',
    help: 'the only ports whose inbound traffic is redirected; wins over the excluded ones',
  }),
  inboundExcludePorts: portsField({
    path: 'redirect.inbound.excludePorts',
    env: 'REDIRECT_INBOUND_EXCLUDE_PORTS',
    flag: 'exclude-inbound-ports',
    help: 'ports of this host whose inbound traffic is not redirected',
  }),
  inboundExcludeIps: textsField(',', {
    path: 'redirect.inbound.excludePortsForIPs',
    env: 'REDIRECT_INBOUND_EXCLUDE_PORTS_FOR_IPS',
    flag: 'exclude-inbound-ips',
    placeholder: 'address[/bits],…',
    help: 'source addresses whose inbound traffic is not redirected; repeatable',
  }),
  inboundExcludeUids: textsField(';', {
    path: 'redirect.inbound.excludePortsForUIDs',
    env: 'REDIRECT_INBOUND_EXCLUDE_PORTS_FOR_UIDS',
    help: 'has to be empty: packets that arrive have no owner',
  }),
  inboundInsert: switchField({
    path: 'redirect.inbound.insertRedirectInsteadOfAppend',
    env: 'REDIRECT_INBOUND_INSERT_REDIRECT_INSTEAD_OF_APPEND',
    flag: 'redirect-inbound-insert-instead-of-append',
    help: "redirect before the other rules of nat's PREROUTING instead of after them; with --vnet this is so anyway",
  }),
  outboundEnabled: switchField({
    path: 'redirect.outbound.enabled',
    env: 'REDIRECT_OUTBOUND_ENABLED',
    initial: true,
    help: 'redirect traffic that leaves',
  }),
  outboundPort: portField({
    path: 'redirect.outbound.port',
    env: 'REDIRECT_OUTBOUND_PORT',
    flag: 'redirect-outbound-port',
    initial: 15_001,
    help: "Envoy's port for traffic that leaves; the same as redirectPortOutbound in the Dataplane",
  }),
  outboundIncludePorts: portsField({
    path: 'redirect.outbound.includePorts',
    env: 'REDIRECT_OUTBOUND_INCLUDE_PORTS',
    help: 'the only destination ports whose outbound traffic is redirected; wins over the excluded ones',
  }),
  outboundExcludePorts: portsField({
    path: 'redirect.outbound.excludePorts',
    env: 'REDIRECT_OUTBOUND_EXCLUDE_PORTS',
    flag: 'exclude-outbound-ports',
    help: 'destination ports whose outbound traffic is not redirected',
  }),
  outboundExcludeIps: textsField(',', {
    path: 'redirect.outbound.excludePortsForIPs',
    env: 'REDIRECT_OUTBOUND_EXCLUDE_PORTS_FOR_IPS',
    flag: 'exclude-outbound-ips',
    placeholder: 'address[/bits],…',
    help: 'destination addresses whose outbound traffic is not redirected; repeatable',
  }),
  outboundExcludeUids: textsField(';', {
    path: 'redirect.outbound.excludePortsForUIDs',
    env: 'REDIRECT_OUTBOUND_EXCLUDE_PORTS_FOR_UIDS',
    flag: 'exclude-outbound-ports-for-uids',
    placeholder: '[protocol:][ports:]uids',
    help: 'outbound traffic of these users is not redirected, as tcp:80,3000-4000:1000-1002, ports:uids or uids; repeatable',
  }),
  outboundInsert: switchField({
    path: 'redirect.outbound.insertRedirectInsteadOfAppend',
    env: 'REDIRECT_OUTBOUND_INSERT_REDIRECT_INSTEAD_OF_APPEND',
    flag: 'redirect-outbound-insert-instead-of-append',
    help: "redirect before the other rules of nat's OUTPUT instead of after them",
  }),
  dnsEnabled: switchField({
    path: 'redirect.dns.enabled',
    env: 'REDIRECT_DNS_ENABLED',
    flag: 'redirect-dns',
    help: 'redirect DNS requests to the servers in /etc/resolv.conf to kuma-dp',
  }),
  dnsPort: portField({
    path: 'redirect.dns.port',
    env: 'REDIRECT_DNS_PORT',
    flag: 'redirect-dns-port',
    initial: 15_053,
    help: 'port on which kuma-dp answers DNS',
  }),
  dnsCaptureAll: switchField({
    path: 'redirect.dns.captureAll',
    env: 'REDIRECT_DNS_CAPTURE_ALL',
    flag: 'redirect-all-dns-traffic',
    help: 'redirect all DNS requests to kuma-dp, whichever server they are for',
  }),
  dnsSkipZoneSplit: switchField({
    path: 'redirect.dns.skipConntrackZoneSplit',
    env: 'REDIRECT_DNS_SKIP_CONNTRACK_ZONE_SPLIT',
    flag: 'skip-dns-conntrack-zone-split',
    help: 'leave DNS requests of applications and of kuma-dp in one zone of connection tracking',
  }),
  resolvConfigPath: textField({
    path: 'redirect.dns.resolvConfigPath',
    env: 'REDIRECT_DNS_RESOLV_CONFIG_PATH',
    initial: '/etc/resolv.conf',
    help: 'file that lists the DNS servers of this host',
  }),
  vnetNetworks: textsField(',', {
    path: 'redirect.vnet.networks',
    env: 'REDIRECT_VNET_NETWORKS',
    flag: 'vnet',
    placeholder: 'interface:network',
    help: 'traffic of containers that enters through an interface is outbound traffic unless it stays in their network: docker0:172.17.0.0/16, br+:172.18.0.0/16; repeatable',
  }),
  ebpfEnabled: switchField({
    path: 'ebpf.enabled',
    env: 'EBPF_ENABLED',
    flag: 'ebpf-enabled',
    help: 'refused: traffic is redirected by iptables only',
  }),
  ebpfInstanceIp: ebpfText('instanceIP', 'EBPF_INSTANCE_IP', 'ebpf-instance-ip'),
  ebpfInstanceIpVariable: ebpfText('instanceIPEnvVarName', 'EBPF_INSTANCE_IP_ENV_VAR_NAME'),
  ebpfFilesystem: ebpfText('bpffsPath', 'EBPF_BPFFS_PATH', 'ebpf-bpffs-path', '/run/kuma/bpf'),
  ebpfControlGroup: ebpfText('cgroupPath', 'EBPF_CGROUP_PATH', 'ebpf-cgroup-path', '/sys/fs/cgroup'),
  ebpfPrograms: ebpfText(
    'programsSourcePath',
    'EBPF_PROGRAMS_SOURCE_PATH',
    'ebpf-programs-source-path',
    '/tmp/kuma-ebpf',
  ),
  ebpfInterface: ebpfText('tcAttachIface', 'EBPF_TC_ATTACH_IFACE', 'ebpf-tc-attach-iface'),
  maxRetries: numberField(
    { least: 0, most: 1000 },
    {
      path: 'retry.maxRetries',
      env: 'RETRY_MAX_RETRIES',
      flag: 'max-retries',
      initial: 4,
      help: 'how often to try again when iptables-restore fails',
    },
  ),
  retryPause: durationField({
    path: 'retry.sleepBetweenRetries',
    env: 'RETRY_SLEEP_BETWEEN_RETRIES',
    flag: 'sleep-between-retries',
    initial: 2000,
    help: 'pause before trying again',
  }),
  executables: pathsField(executableNames, {
    path: 'iptablesExecutables',
    env: 'IPTABLES_EXECUTABLES',
    flag: 'iptables-executables',
    help: `the programs to use instead of those found: all three of a family, named ${executableNames.join(', ')}`,
  }),
  logEnabled: switchField({
    path: 'log.enabled',
    env: 'LOG_ENABLED',
    flag: 'iptables-logs',
    help: 'let the kernel log each new connection that the rules see',
  }),
  logLevel: numberField(
    { least: 0, most: 7 },
    { path: 'log.level', env: 'LOG_LEVEL', initial: 7, help: "level of these lines, by syslog's numbers" },
  ),
  commentsDisabled: switchField({
    path: 'comments.disabled',
    env: 'COMMENTS_DISABLED',
    flag: 'disable-comments',
    help: 'write no comments into the rules; uninstalling then needs the same configuration again, to know them',
  }),
  wait: numberField(unsigned, {
    path: 'wait',
    env: 'WAIT',
    flag: 'wait',
    placeholder: 'seconds',
    initial: 5,
    help: 'how long iptables-legacy waits for the lock of other programs; 0 does not wait',
  }),
  waitInterval: numberField(unsigned, {
    path: 'waitInterval',
    env: 'WAIT_INTERVAL',
    flag: 'wait-interval',
    placeholder: 'microseconds',
    help: 'pause between attempts to get that lock; 0 for that of iptables',
  }),
  dropInvalidPackets: switchField({
    path: 'dropInvalidPackets',
    env: 'DROP_INVALID_PACKETS',
    flag: 'drop-invalid-packets',
    help: 'drop packets that belong to no connection: out of order they would get past the redirection and reset it. Costs a little for each packet',
  }),
  storeFirewalld: switchField({
    path: 'storeFirewalld',
    env: 'STORE_FIREWALLD',
    flag: 'store-firewalld',
    help: 'keep the rules in /etc/firewalld/direct.xml too, so that firewalld sets them at boot',
  }),
  cniMode: switchField({
    path: 'cniMode',
    env: 'CNI_MODE',
    help: "rules are made from outside of the host's namespace: users are not looked up, the lock of iptables-legacy is left alone",
  }),
  dryRun: switchField({
    path: 'dryRun',
    env: 'DRY_RUN',
    flag: 'dry-run',
    help: 'print the rules, change nothing',
  }),
  verbose: switchField({
    path: 'verbose',
    env: 'VERBOSE',
    flag: 'verbose',
    help: 'print the rules, with long options',
  }),
} satisfies Readonly<Record<string, ConfigField<unknown>>>;

/** The values of all fields. Durations are milliseconds. */
export type TransparentProxyConfig = {
  readonly [Name in keyof typeof configFields]: (typeof configFields)[Name] extends ConfigField<infer Value>
    ? Value
    : never;
};

/** A name in {@link TransparentProxyConfig}. */
export type ConfigName = keyof TransparentProxyConfig;

/** What every variable of the environment begins with. */
export const environmentPrefix = 'KUMA_TRANSPARENT_PROXY_';

function ebpfText(name: string, env: string, flag?: string, initial = ''): ConfigField<string> {
  return textField({
    path: `ebpf.${name}`,
    env,
    ...(flag === undefined ? {} : { flag }),
    initial,
    help: 'has no effect: see --ebpf-enabled',
  });
}
