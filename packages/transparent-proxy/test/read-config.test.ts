// Where a configuration comes from, what wins, and what is refused.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  checkConfig,
  configFields,
  configWarnings,
  mergeConfig,
  readConfigEnvironment,
  readConfigFlags,
  readConfigText,
} from '@ursa/transparent-proxy';

test('defaults are those of the peer', () => {
  const config = mergeConfig([]);
  const { inboundPort, outboundPort, dnsPort, ipFamilyMode, maxRetries, retryPause, wait, waitInterval } = config;
  assert.deepEqual(
    { inboundPort, outboundPort, dnsPort, ipFamilyMode, maxRetries, retryPause, wait, waitInterval },
    {
      ...{ inboundPort: 15_006, outboundPort: 15_001, dnsPort: 15_053, ipFamilyMode: 'dualstack' },
      ...{ maxRetries: 4, retryPause: 2000, wait: 5, waitInterval: 0 },
    },
  );
  checkConfig(config);
  assert.deepEqual(configWarnings(config), []);
});

test('flags win over the environment, that over later documents, those over earlier ones; lists are replaced, executables add up', () => {
  const config = mergeConfig([
    readConfigText('redirect: { inbound: { port: 1111, excludePorts: [1, 2] }, outbound: { port: 1 } }', 'first'),
    readConfigText('{"redirect":{"inbound":{"excludePorts":"3,4"}},"iptablesExecutables":{"iptables":"/a"}}', 'second'),
    readConfigEnvironment({
      KUMA_TRANSPARENT_PROXY_REDIRECT_INBOUND_PORT: '2222',
      KUMA_TRANSPARENT_PROXY_REDIRECT_OUTBOUND_PORT: '3',
      KUMA_TRANSPARENT_PROXY_IPTABLES_EXECUTABLES: 'iptables-save:/b',
      KUMA_TRANSPARENT_PROXY_VERBOSE: '',
    }),
    readConfigFlags(new Map([['inboundPort', ['3333']]])),
  ]);
  assert.deepEqual(
    [config.inboundPort, config.outboundPort, config.inboundExcludePorts, config.executables, config.verbose],
    [3333, 3, [3, 4], { iptables: '/a', 'iptables-save': '/b' }, false],
  );
});

test('a repeated flag adds up, and replaces what other sources say', () => {
  const config = mergeConfig([
    readConfigText('redirect: { outbound: { excludePortsForIPs: [10.0.0.1] } }', 'file'),
    readConfigFlags(new Map([['outboundExcludeIps', ['10.0.0.2,10.0.0.3', 'fd00::/8']]])),
  ]);
  assert.deepEqual(config.outboundExcludeIps, ['10.0.0.2', '10.0.0.3', 'fd00::/8']);
});

test('an empty document says nothing, and a null is the default', () => {
  assert.deepEqual(readConfigText('# nothing\n', 'file'), {});
  assert.deepEqual(readConfigText('wait: null\nredirect:\n', 'file'), { wait: 5 });
});

test('every field of the document has a path and a variable of its own', () => {
  const fields = Object.values(configFields);
  assert.equal(new Set(fields.map(({ path }) => path)).size, fields.length);
  assert.equal(new Set(fields.map(({ env }) => env)).size, fields.length);
});

test('wrong fields are named with their line, and what was meant', () => {
  const text = 'redirect:\n  inbound:\n    prot: 1\n    port: 70000\nretry: 4\nverbose: "yes"\n';
  assert.throws(
    () => readConfigText(text, 'tp.yaml'),
    (error: Error) => {
      assert.match(error.message, /tp\.yaml:3:5: redirect\.inbound\.prot: no such field; did you mean "port"\?/);
      assert.match(
        error.message,
        /tp\.yaml:4:5: redirect\.inbound\.port: expected a whole number from 1 to 65535, got 70000/,
      );
      assert.match(error.message, /retry: expected fields, got 4/);
      assert.match(error.message, /verbose: expected true or false/);
      return true;
    },
  );
  assert.throws(
    () => readConfigEnvironment({ KUMA_TRANSPARENT_PROXY_WAIT: 'long' }),
    /KUMA_TRANSPARENT_PROXY_WAIT: expected a whole number from 0 to 4294967295, got "long"/,
  );
  assert.throws(
    () => readConfigFlags(new Map([['ipFamilyMode', ['ipv6']]])),
    /--ip-family-mode: expected one of dualstack, ipv4/,
  );
});

test('what contradicts itself or is not done here is refused', () => {
  const refused = (text: string, reason: RegExp): void =>
    assert.throws(() => checkConfig(mergeConfig([readConfigText(text, 'file')])), reason);
  refused('ebpf: { enabled: true }', /--ebpf-enabled.*iptables only/);
  refused('redirect: { inbound: { excludePortsForUIDs: ["5"] } }', /packets that arrive have no owner/);
  refused(
    'redirect: { dns: { port: 15001 } }',
    /redirect\.dns\.port \(--redirect-dns-port\): is 15001, and so is redirect\.outbound\.port \(--redirect-outbound-port\);/,
  );
  refused(
    'redirect: { outbound: { excludePortsForUIDs: ["tcp:80:"] } }',
    /^MeshError: redirect\.outbound\.excludePortsForUIDs \(--exclude-outbound-ports-for-uids\): .*expected a UID/,
  );
  refused('iptablesExecutables: { iptables: /a }', /iptables-save, iptables-restore is missing/);
  refused(
    'redirect: { outbound: { excludePortsForIPs: [10.0.0.0/33] } }',
    /expected an IP address or a network.*10\.0\.0\.0\/33/,
  );
  refused('redirect: { vnet: { networks: [docker0] } }', /expected interface:network.*"docker0"/);
  refused('redirect: { vnet: { networks: ["a b:10.0.0.0/8"] } }', /expected interface:network/);
});

test('what has no effect is said', () => {
  const warnings = (text: string): readonly string[] => configWarnings(mergeConfig([readConfigText(text, 'file')]));
  assert.match(warnings('redirect: { dns: { captureAll: true } }')[0] ?? '', /captureAll has no effect/);
  assert.match(
    warnings('redirect: { inbound: { includePorts: [1], excludePorts: [2] } }')[0] ?? '',
    /excludePorts has no effect/,
  );
  assert.match(
    warnings('redirect: { outbound: { includePorts: [1], excludePorts: [2] } }')[0] ?? '',
    /excludePorts has no effect/,
  );
});
