// Rules from configurations, as text. What the peer's recorded rules show is in the golden sets; here is what they do not.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  buildTables,
  type Capabilities,
  formatRestoreText,
  type IpFamily,
  mergeConfig,
  presumedCapabilities,
  readConfigText,
  tableLines,
} from '@ursa/transparent-proxy';

interface Given {
  readonly family?: IpFamily;
  readonly capabilities?: Partial<Capabilities>;
  readonly dnsServers?: readonly string[];
  readonly uid?: string;
  readonly comments?: boolean;
}

function rulesOf(text: string, given: Given = {}): string {
  const { family = 'ipv4', capabilities = {}, dnsServers = [], uid = '5678', comments = false } = given;
  const tables = buildTables({
    config: mergeConfig([readConfigText(text, 'test')]),
    ...{ family, uid, loopback: 'lo', dnsServers },
    capabilities: { ...presumedCapabilities, ...capabilities },
  });
  const style = { long: false, comments };
  return formatRestoreText(
    tables.map((table) => tableLines(table, style)),
    style,
  );
}

const dnsOfServers = 'redirect: { dns: { enabled: true } }';

test('DNS of the servers of this host, per family; answers are known by where they come from', () => {
  const text = rulesOf(dnsOfServers, { dnsServers: ['10.0.0.53'] });
  assert.match(text, /^-I OUTPUT 2 -d 10\.0\.0\.53 -p udp --dport 53 -j REDIRECT --to-ports 15053$/m);
  assert.match(text, /^-A OUTPUT -d 10\.0\.0\.53 -p udp --dport 53 -j CT --zone 2$/m);
  assert.match(text, /^-A PREROUTING -s 10\.0\.0\.53 -p udp --sport 53 -j CT --zone 1$/m);
});

test('without servers of the family, no DNS is redirected', () => {
  assert.equal(rulesOf(dnsOfServers, { family: 'ipv6' }), rulesOf('', { family: 'ipv6' }));
});

test('in a container of Docker, requests of kuma-dp go to its resolver', () => {
  const text = rulesOf(dnsOfServers, { dnsServers: ['127.0.0.11'], capabilities: { dockerDns: true } });
  assert.match(text, /^-I OUTPUT 1 -p udp --dport 53 -m owner --uid-owner 5678 -j DOCKER_OUTPUT$/m);
});

test('what iptables cannot do is left out', () => {
  const text = rulesOf(`${dnsOfServers}\ndropInvalidPackets: true`, {
    dnsServers: ['10.0.0.53'],
    capabilities: { zones: false, mangle: false },
  });
  assert.deepEqual(text.match(/^\* \w+/gm), ['* nat']);
});

test('ports that are included are the only ones redirected', () => {
  const text = rulesOf(
    'redirect: { inbound: { includePorts: [80] }, outbound: { includePorts: [443], excludePorts: [1] } }',
  );
  assert.match(text, /^-A KUMA_MESH_INBOUND -p tcp --dport 80 -j KUMA_MESH_INBOUND_REDIRECT$/m);
  assert.match(text, /^-A KUMA_MESH_OUTBOUND -p tcp --dport 443 -j KUMA_MESH_OUTBOUND_REDIRECT$/m);
  assert.doesNotMatch(text, /^-A KUMA_MESH_INBOUND -p tcp -j|^-A KUMA_MESH_OUTBOUND -j|--dport 1 /m);
});

test('a direction that is switched off goes no further', () => {
  const text = rulesOf('redirect: { inbound: { enabled: false }, outbound: { enabled: false } }');
  assert.deepEqual(text.match(/^-A KUMA_MESH_(INBOUND|OUTBOUND) .*$/gm), [
    '-A KUMA_MESH_INBOUND -p tcp -j RETURN',
    '-A KUMA_MESH_OUTBOUND -p tcp -j RETURN',
  ]);
});

test('rules that are inserted keep their order, in each chain on its own', () => {
  const text = rulesOf(
    'log: { enabled: true }\nredirect: { inbound: { insertRedirectInsteadOfAppend: true }, outbound: { insertRedirectInsteadOfAppend: true }, dns: { enabled: true, captureAll: true } }',
  );
  assert.deepEqual(text.match(/^-[IA] (PREROUTING|OUTPUT) \d.*$/gm), [
    '-I PREROUTING 1 -j LOG --log-prefix PREROUTING: --log-level 7',
    '-I PREROUTING 2 -p tcp -j KUMA_MESH_INBOUND',
    '-I OUTPUT 1 -j LOG --log-prefix OUTPUT: --log-level 7',
    '-I OUTPUT 2 -p udp --dport 53 -m owner --uid-owner 5678 -j RETURN',
    '-I OUTPUT 3 -p tcp --dport 53 -m owner ! --uid-owner 5678 -j RETURN',
    '-I OUTPUT 4 -p udp --dport 53 -j REDIRECT --to-ports 15053',
    '-I OUTPUT 5 -p tcp -j KUMA_MESH_OUTBOUND',
  ]);
});

test('more ports of a user than one rule takes make several', () => {
  const ports = Array.from({ length: 16 }, (_, index) => index + 1).join(',');
  const text = rulesOf(`redirect: { outbound: { excludePortsForUIDs: ["tcp:${ports},20-30:100000"] } }`);
  assert.deepEqual(text.match(/--dport \S+ -m owner --uid-owner 100000/g), [
    '--dport 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15 -m owner --uid-owner 100000',
    '--dport 16,20:30 -m owner --uid-owner 100000',
  ]);
});

test('wrong exclusions of users say what is wrong', () => {
  const refused = (entry: string, reason: RegExp): void =>
    assert.throws(() => rulesOf(`redirect: { outbound: { excludePortsForUIDs: ["${entry}"] } }`), reason);
  refused('tcp:1:2:3', /expected \[protocol:\]\[ports:\]uids, got 'tcp:1:2:3'/);
  refused('5,6', /expected one UID or one range, got '5,6'/);
  refused('tcp:70000:1', /expected a port up to 65535.*'70000'/);
  refused('tcp:9-1:1', /expected a port.*'9-1'/);
  refused('x', /expected a UID/);
});

test('an exclusion by address is a rule of its family only', () => {
  const config = 'redirect: { inbound: { excludePortsForIPs: [10.0.0.1, "fd00::/8"] } }';
  assert.match(rulesOf(config), /-s 10\.0\.0\.1 -j RETURN/);
  assert.doesNotMatch(rulesOf(config), /fd00/);
  assert.match(rulesOf(config, { family: 'ipv6' }), /-s fd00::\/8 -j RETURN/);
});

test('no comment is longer than the kernel keeps', () => {
  const text = rulesOf('', { comments: true, uid: '4294967294', family: 'ipv4' });
  for (const [, comment = ''] of text.matchAll(/--comment "(.*?)"/g)) assert.ok(comment.length <= 255, comment);
});
