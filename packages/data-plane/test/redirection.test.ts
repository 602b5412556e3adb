// --transparent-proxy and --transparent-proxy-config: what kuma-dp tells the control plane of the rules of its host.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { mergeConfig, type TransparentProxyConfig } from '@ursa/transparent-proxy';
import { createLog } from '../src/log.ts';
import { formatRedirection, readRedirection, warnOfWrongUser } from '../src/read-redirection.ts';
import type { SettingName } from '../src/settings/definitions.ts';
import { readSettings } from '../src/settings/read-settings.ts';

const folder = mkdtempSync(join(tmpdir(), 'kuma-dp-redirection-'));
after(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

function read(
  flags: Partial<Record<SettingName, readonly string[]>>,
  environment: NodeJS.ProcessEnv = {},
): TransparentProxyConfig | undefined {
  const entries = Object.entries(flags) as [SettingName, readonly string[]][];
  return readRedirection(readSettings(new Map(entries), {}).settings, environment);
}

test('nothing is redirected unless a flag says so', () => {
  assert.equal(read({}, { KUMA_TRANSPARENT_PROXY_REDIRECT_INBOUND_PORT: '1' }), undefined);
  assert.equal(read({ transparentProxy: ['true'] })?.inboundPort, 15_006);
});

test('files add up in their order, and the environment wins, as for kumactl', () => {
  const first = file('1.yaml', 'redirect: { inbound: { port: 1 }, outbound: { port: 2 } }\nverbose: true\n');
  const second = file('2.yaml', 'redirect: { inbound: { port: 3 }, dns: { enabled: true } }\n');
  const third = file('3.yaml', 'ipFamilyMode: ipv4\n');
  const config = read(
    { transparentProxyConfig: [`${first},${second}`, third] },
    { KUMA_TRANSPARENT_PROXY_REDIRECT_OUTBOUND_PORT: '4' },
  );
  assert.ok(config);
  assert.deepEqual(formatRedirection(config), {
    ipFamilyMode: 'ipv4',
    redirect: {
      inbound: { enabled: true, port: 3 },
      outbound: { enabled: true, port: 4 },
      dns: { enabled: true, port: 15_053 },
      vnet: {},
    },
  });
});

test('what is wrong with a file is said with its name', () => {
  const wrong = file('wrong.yaml', 'redirect: { inbund: {} }\n');
  assert.throws(
    () => read({ transparentProxyConfig: [wrong] }),
    /wrong\.yaml:1:\d+: redirect\.inbund: no such field; did you mean "inbound"/,
  );
  assert.throws(
    () => read({ transparentProxyConfig: ['/nowhere'] }),
    /--transparent-proxy-config: \/nowhere cannot be read/,
  );
  assert.throws(() => read({ transparentProxyConfig: ['-'], resourcePath: ['-'] }), /both read standard input/);
});

test('run by another user than the rules spare, kuma-dp warns; whatever USER says', (context) => {
  const before = process.env.USER;
  process.env.USER = 'someone-else';
  context.after(() => {
    if (before === undefined) delete process.env.USER;
    else process.env.USER = before;
  });
  const lines: string[] = [];
  const log = createLog({ level: 'info', format: 'text', write: (line) => void lines.push(line) });
  const name = execFileSync('id', ['-un'], { encoding: 'utf8' }).trim();
  for (const kumaDpUser of [String(process.geteuid?.()), name])
    warnOfWrongUser({ ...mergeConfig([]), kumaDpUser }, log);
  assert.deepEqual(lines, []);
  warnOfWrongUser({ ...mergeConfig([]), kumaDpUser: 'someone-else' }, log);
  assert.match(lines.join(''), /Envoy's own would come back to it.*--kuma-dp-user/);
});

test('a user without a name is warned by its UID', (context) => {
  const geteuid = context.mock.method(process as Required<typeof process>, 'geteuid', () => 4_000_000);
  const lines: string[] = [];
  const log = createLog({ level: 'info', format: 'text', write: (line) => void lines.push(line) });
  warnOfWrongUser(mergeConfig([]), log);
  assert.equal(geteuid.mock.callCount(), 1);
  assert.match(lines.join(''), /runs as 4000000 \(UID 4000000\).*--kuma-dp-user 4000000/);
});
