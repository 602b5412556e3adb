// `kumactl install|uninstall transparent-proxy` up to the border to the host; what real iptables make of it is in slow/.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fakeHost, type HostFacts } from './fake-host.ts';
import { run, type TestMachine } from './terminal.ts';

const install = ['install', 'transparent-proxy'];

async function refusal(args: readonly string[], facts: HostFacts = {}, machine: TestMachine = {}): Promise<string> {
  const { code, stderr } = await run(args, { ...machine, host: fakeHost(facts) });
  assert.notEqual(code, 0);
  return stderr;
}

/** A table of sockets as /proc/net/tcp has it. */
function sockets(...listeners: readonly (readonly [port: number, inode: number])[]): string {
  const rows = listeners.map(([port, inode], index) => {
    const local = `00000000:${port.toString(16).toUpperCase().padStart(4, '0')}`;
    return `   ${index}: ${local} 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1`;
  });
  return ['  sl  local_address rem_address   st', ...rows, ''].join('\n');
}

test('it installs what a dry run prints, for both families, and says what to do next', async () => {
  const host = fakeHost();
  const printed = await run([...install, '--dry-run'], { host });
  assert.equal(host.restored.length, 0);
  const done = await run(install, { host });
  assert.equal(done.code, 0, done.stderr);
  const texts = printed.stdout.split(/### IPv\d ###\n\n/).slice(1);
  assert.deepEqual(host.restored, [texts[0]?.replace(/\n$/, ''), texts[1]]);
  assert.match(done.stdout, /IPv4: 11 rules are in place, made by \/sbin\/iptables-nft-restore/);
  assert.match(done.stdout, /Run kuma-dp as the user with UID 777, with --transparent-proxy/);
});

test('the configuration may stand in the flag itself, as an object or as lines', async () => {
  for (const config of [
    '{ ipFamilyMode: ipv4, redirect: { inbound: { port: 1001 }, outbound: { port: 2002 } } }',
    'ipFamilyMode: ipv4\nredirect:\n  inbound: { port: 1001 }\n  outbound: { port: 2002 }',
    'ipFamilyMode: ipv4\\nredirect: { inbound: { port: 1001 }, outbound: { port: 2002 } }',
  ]) {
    const { code, stdout, stderr } = await run([...install, '--dry-run', '--config', config], { host: fakeHost() });
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    assert.match(stdout, /--to-ports 1001/);
    assert.match(stdout, /--to-ports 2002/);
    assert.doesNotMatch(stdout, /IPv6/);
  }
  for (const args of [
    [...install, '--dry-run', '--config-file', '-'],
    ['--config-file=-', ...install, '--dry-run'],
  ]) {
    const { stdout } = await run(args, { host: fakeHost(), input: 'redirect: { outbound: { port: 2002 } }' });
    assert.match(stdout, /--to-ports 2002/);
  }
  assert.match(await refusal([...install, '--config', 'redirekt: {}']), /--config:1:1: redirekt: no such field/);
});

test('what is for Kubernetes only says so, whatever flags it gets', async () => {
  for (const [args, text] of [
    [['install', 'control-plane', '--mode=zone', '--set', 'a=b'], /Kubernetes is not supported yet; .*"kuma-cp run"/],
    [['install', 'demo'], /"kumactl demo"/],
    [['install', 'gateway', 'kong'], /Kubernetes is not supported yet/],
    [['uninstall', 'ebpf'], /"kumactl uninstall transparent-proxy"/],
  ] as const) {
    const { code, stdout, stderr } = await run(args);
    assert.deepEqual({ code, stdout }, { code: 1, stdout: '' });
    assert.match(stderr, text);
  }
});

test('flags win over the environment, that over files, of which later ones win; one may be standard input', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kumactl-tproxy-'));
  try {
    const [first, second] = [join(folder, '1.yaml'), join(folder, '2.yaml')];
    writeFileSync(first, 'ipFamilyMode: ipv4\nredirect: { inbound: { port: 1001 }, outbound: { port: 1001 } }\n');
    writeFileSync(second, 'redirect: { outbound: { port: 2002 } }\n');
    const { stdout, stderr } = await run(
      [...install, '--dry-run', '--config', `${first},${second}`, '--config', '-', '--exclude-inbound-ports=7'],
      {
        host: fakeHost(),
        input: 'redirect: { inbound: { excludePorts: [5] } }',
        env: { KUMA_TRANSPARENT_PROXY_REDIRECT_INBOUND_PORT: '3003' },
      },
    );
    assert.equal(stderr, '');
    assert.match(stdout, /--to-ports 3003/);
    assert.match(stdout, /--to-ports 2002/);
    assert.match(stdout, /--dport 7 -j RETURN/);
    assert.doesNotMatch(stdout, /IPv6|--dport 5|1001/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('flags, variables and a file that say the same make the same rules', async () => {
  const byFlags = [
    ...[
      '--redirect-inbound-port',
      '1',
      '--redirect-outbound-port',
      '2',
      '--redirect-all-dns-traffic',
      '--redirect-dns-port',
      '3',
    ],
    ...['--exclude-inbound-ports', '4,5', '--exclude-inbound-ips', '10.0.0.1', '--exclude-outbound-ports', '6'],
    ...[
      '--exclude-outbound-ips',
      'fd00::/8',
      '--exclude-outbound-ports-for-uids',
      'tcp:7:8',
      '--vnet',
      'br+:10.0.0.0/8',
    ],
    ...[
      '--drop-invalid-packets',
      '--iptables-logs',
      '--redirect-outbound-insert-instead-of-append',
      '--kuma-dp-user',
      '9',
    ],
  ];
  const input = `
kumaDPUser: "9"
dropInvalidPackets: true
log: { enabled: true }
redirect:
  inbound: { port: 1, excludePorts: [4, 5], excludePortsForIPs: [10.0.0.1] }
  outbound:
    port: 2
    excludePorts: "6"
    excludePortsForIPs: ["fd00::/8"]
    excludePortsForUIDs: ["tcp:7:8"]
    insertRedirectInsteadOfAppend: true
  dns: { enabled: true, captureAll: true, port: 3 }
  vnet: { networks: ["br+:10.0.0.0/8"] }
`;
  const variables = {
    ...{ KUMA_DP_USER: '9', DROP_INVALID_PACKETS: 'true', LOG_ENABLED: 'true', REDIRECT_INBOUND_PORT: '1' },
    ...{ REDIRECT_INBOUND_EXCLUDE_PORTS: '4,5', REDIRECT_INBOUND_EXCLUDE_PORTS_FOR_IPS: '10.0.0.1' },
    ...{ REDIRECT_OUTBOUND_PORT: '2', REDIRECT_OUTBOUND_EXCLUDE_PORTS: '6' },
    ...{ REDIRECT_OUTBOUND_EXCLUDE_PORTS_FOR_IPS: 'fd00::/8', REDIRECT_OUTBOUND_EXCLUDE_PORTS_FOR_UIDS: 'tcp:7:8' },
    ...{ REDIRECT_OUTBOUND_INSERT_REDIRECT_INSTEAD_OF_APPEND: 'true', REDIRECT_DNS_ENABLED: 'true' },
    ...{ REDIRECT_DNS_CAPTURE_ALL: 'true', REDIRECT_DNS_PORT: '3', REDIRECT_VNET_NETWORKS: 'br+:10.0.0.0/8' },
  };
  const env = Object.fromEntries(
    Object.entries(variables).map(([key, value]) => [`KUMA_TRANSPARENT_PROXY_${key}`, value]),
  );
  const dry = [...install, '--dry-run'];
  const flags = await run([...dry, ...byFlags], { host: fakeHost() });
  const file = await run([...dry, '--config', '-'], { host: fakeHost(), input });
  const environment = await run(dry, { host: fakeHost(), env });
  assert.equal(flags.code, 0, flags.stderr);
  assert.equal(file.stdout, flags.stdout);
  assert.equal(environment.stdout, flags.stdout);
});

test('switches take a value, older names still work, and the global --no-config is no configuration', async () => {
  const args = [...install, '--dry-run', '--no-config', '--redirect-inbound=false', '--kuma-dp-uid', '42', '--verbose'];
  const { code, stdout, stderr } = await run(args, { host: fakeHost() });
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  assert.match(stdout, /--append KUMA_MESH_INBOUND .*--jump RETURN/);
  assert.match(stdout, /--uid-owner 42 /);
});

test('the user is one of this host, the usual one when none is named', async () => {
  assert.match(
    await refusal([...install, '--kuma-dp-user', 'nobody-here']),
    /this host has no user "nobody-here"; make one/,
  );
  assert.match(
    await refusal([...install, '--kuma-dp-user', '4294967295']),
    /expected a UID up to 4294967294 or the name/,
  );
  const files = { '/etc/passwd': 'root:x:0:0::/root:/bin/sh\n' };
  assert.match(await refusal(install, { files }), /no user with UID 5678 or named kuma-dp; make one \("useradd/);
  const byUid = fakeHost({ files: { '/etc/passwd': 'proxy:x:5678:1::/:/bin/false\n' } });
  assert.match((await run([...install, '--dry-run'], { host: byUid })).stdout, /--uid-owner 5678 /);
});

test('an SSH server that would be redirected stops the installation: by its port, by its process, by this connection', async () => {
  const byPort = await refusal(install, { files: { '/proc/net/tcp6': sockets([22, 1], [80, 2]) } });
  assert.match(byPort, /SSH server of this host \(port 22\).*--exclude-inbound-ports 22, or .* --redirect-ssh/);
  const byProcess = {
    files: { '/proc/net/tcp': sockets([2222, 77], [80, 78]), '/proc/9/comm': 'sshd\n', '/proc/10/comm': 'nginx\n' },
    links: { '/proc/9/fd/3': 'socket:[77]', '/proc/10/fd/3': 'socket:[78]' },
  };
  assert.match(
    await refusal([...install, '--exclude-inbound-ports', '8'], byProcess),
    /--exclude-inbound-ports 8,2222/,
  );
  const env = { SSH_CONNECTION: '10.0.0.9 50000 10.0.0.1 2022' };
  assert.match(await refusal(install, {}, { env }), /port 2022/);
  for (const more of [['--exclude-inbound-ports', '2222'], ['--redirect-ssh'], ['--redirect-inbound=false']]) {
    const { code, stderr } = await run([...install, ...more], { host: fakeHost(byProcess) });
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  }
  const { code, stderr } = await run([...install, '--dry-run'], { host: fakeHost(byProcess), env });
  assert.equal(code, 0);
  assert.match(stderr, /\[WARNING\] the SSH server of this host \(port 2022, 2222\)/);
});

test('who may not, and what cannot, is told what to do', async () => {
  assert.match(await refusal(install, { isRoot: false }), /only root .* run the command with sudo/);
  assert.match(await refusal(install, { platform: 'darwin' }), /only Linux has; --dry-run prints the rules/);
  assert.match(await refusal(install, { programs: [] }), /no usable iptables was found.*install the package iptables/);
  const withoutIpv6 = fakeHost().find('iptables-nft') ?? '';
  const programs = [withoutIpv6, `${withoutIpv6}-save`, `${withoutIpv6}-restore`];
  assert.match(await refusal(install, { programs }), /no usable ip6tables.*--ip-family-mode ipv4/);
  const given = [...install, '--iptables-executables', 'iptables:/a,iptables-save:/b,iptables-restore:/c'];
  assert.match(await refusal(given), /--iptables-executables: iptables: \/a is not a program of iptables/);
  assert.match(await refusal([...install, '--redirect-dns', '--redirect-all-dns-traffic']), /only one of/);
  assert.match(await refusal([...install, '--ebpf-enabled']), /iptables only/);
  assert.match(await refusal([...install, '--wait', 'x']), /--wait: expected a whole number/);
  assert.match(await refusal([...install, '--config', '/nowhere.yaml']), /--config: cannot read \/nowhere\.yaml/);
  assert.match(await refusal(['uninstall', 'transparent-proxy'], { isRoot: false }), /only root/);
});

test('a host without IPv6 has no rules for it; one without the program ip says that it is needed', async () => {
  const off = fakeHost({ files: { '/proc/net/if_inet6': '' } });
  assert.match((await run([...install, '--verbose'], { host: off })).stderr, /IPv6 is switched off on this host/);
  assert.equal(off.restored.length, 1);
  const programs = ['iptables', 'ip6tables'].flatMap((name) =>
    ['', '-save', '-restore'].map((end) => `/sbin/${name}-nft${end}`),
  );
  assert.match(
    await refusal(install, { programs }),
    /cannot add the address ::6\/128.*"ip" \(package iproute2\).*--ip-family-mode ipv4/,
  );
});

test('DNS servers come from resolv.conf, by family', async () => {
  const files = {
    '/etc/resolv.conf': '# none\nsearch x\nnameserver 10.1.2.3\n nameserver fd00::53\nnameserver fe80::1%eth0\n',
  };
  const { stdout } = await run([...install, '--dry-run', '--redirect-dns'], { host: fakeHost({ files }) });
  assert.match(stdout, /-d 10\.1\.2\.3 -p udp --dport 53 -j REDIRECT/);
  assert.match(stdout, /-d fd00::53 -p udp --dport 53 -j REDIRECT/);
  const one = await run([...install, '--dry-run', '--redirect-dns'], { host: fakeHost() });
  assert.match(one.stderr, /\/etc\/resolv\.conf names no IPv6 server: DNS over IPv6 is not redirected/);
});

test("firewalld's file and what an older version made of resolv.conf", async () => {
  const file = '/etc/firewalld/direct.xml';
  const backup = '/etc/resolv.conf.kuma-backup';
  const host = fakeHost({ files: { [file]: '<direct>\n</direct>\n', [backup]: 'nameserver 10.9.9.9\n' } });
  assert.equal((await run([...install, '--store-firewalld'], { host })).code, 0);
  assert.match(host.files.get(file) ?? '', /<chain ipv="ipv6" table="nat" chain="KUMA_MESH_INBOUND">/);
  const before = new Map(host.files);
  await run(['uninstall', 'transparent-proxy', '--dry-run'], { host });
  assert.deepEqual(host.files, before);
  const { code, stdout } = await run(['uninstall', 'transparent-proxy'], { host });
  assert.equal(code, 0);
  assert.match(stdout, /The rules in \/etc\/firewalld\/direct\.xml are gone[\s\S]*\/etc\/resolv\.conf is what it was/);
  assert.doesNotMatch(host.files.get(file) ?? '', /KUMA_MESH/);
  assert.equal(host.files.get('/etc/resolv.conf'), 'nameserver 10.9.9.9\n');
  assert.equal(host.files.has(backup), false);
});
