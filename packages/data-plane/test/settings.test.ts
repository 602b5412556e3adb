// Settings: where values come from, which are refused, what is printed.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { createLog } from '../src/log.ts';
import { prepareProxy } from '../src/prepare-proxy.ts';
import { definitions, type SettingName } from '../src/settings/definitions.ts';
import {
  describeSettings,
  misspeltVariables,
  readSettings,
  settingsWithoutEffect,
} from '../src/settings/read-settings.ts';
import type { Setting } from '../src/settings/setting.ts';

const goldenSet = join(import.meta.dirname, '../../../../shared/conformance/golden/dp-config');
const goldenFile = join(goldenSet, 'default-config.golden.yaml');

function read(flags: Partial<Record<SettingName, readonly string[]>>, environment: NodeJS.ProcessEnv = {}) {
  return readSettings(new Map(Object.entries(flags) as [SettingName, readonly string[]][]), environment);
}

/** Paths of all leaves of a nested object; empty objects have none. */
function leaves(value: unknown, path: readonly string[] = []): [string, unknown][] {
  if (typeof value !== 'object' || value === null) return [[path.join('.'), value]];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...path, key]));
}

test('a misspelt variable is told, one for others is not', () => {
  const environment = {
    ...{ KUMA_DATAPLANE_DRAIN_TIM: '5s', KUMA_DATAPLANE_DRAIN_TIME: '5s', KUMA_STORE_TYPE: 'memory' },
    ...{ KUMA_CONTROL_PLANE_SERVICE_HOST: '10.0.0.1', KUMA_CONTROL_PLANE_PORT_5681_TCP: 'tcp://10.0.0.1:5681' },
  };
  const meant = 'KUMA_DATAPLANE_DRAIN_TIME';
  assert.deepEqual(misspeltVariables(environment), [{ name: 'KUMA_DATAPLANE_DRAIN_TIM', meant }]);
});

test("the defaults are the peer's", (context) => {
  if (!existsSync(goldenFile)) return context.diagnostic('left out: the conformance data is not beside this checkout');
  const ours = new Map(leaves(describeSettings(read({}).settings)));
  for (const [path, value] of leaves(parse(readFileSync(goldenFile, 'utf8')))) {
    assert.equal(ours.get(path) ?? '', value, path);
  }
});

test('what the peer refuses in a file is refused in flags and variables, and named by them', async (context) => {
  if (!existsSync(goldenSet)) return context.diagnostic('left out: the conformance data is not beside this checkout');
  const input = new Map(leaves(parse(readFileSync(join(goldenSet, 'invalid-config.input.yaml'), 'utf8'))));
  const flags: Partial<Record<SettingName, readonly string[]>> = {};
  const environment: NodeJS.ProcessEnv = {};
  const sources = new Map<string, string>();
  for (const [name, setting] of Object.entries(definitions) as [SettingName, Setting<unknown>][]) {
    if (!input.has(setting.path)) continue;
    const text = String(input.get(setting.path) ?? '');
    if (setting.flag === undefined) environment[setting.env] = text;
    else flags[name] = [text];
    sources.set(setting.path, setting.flag === undefined ? setting.env : `--${setting.flag}`);
  }
  assert.equal(sources.size, input.size, 'each field of the file is a setting here');

  const named = new Set<string>();
  assert.throws(
    () => read(flags, environment),
    (error: Error & { violations: readonly { field: string }[] }) => {
      for (const { field } of error.violations) named.add(field);
      return true;
    },
  );
  // A name and a mesh are asked for when no Dataplane says them, which is after the settings are read.
  const { settings } = read({ name: flags.name ?? [], mesh: flags.mesh ?? [] });
  const prepared = prepareProxy({
    settings,
    log: createLog({ level: 'off', format: 'text', write: () => undefined }),
    environment: {},
    workingFolder: '/',
  });
  await assert.rejects(prepared, (error: Error) => {
    for (const flag of ['--name', '--mesh']) if (error.message.includes(flag)) named.add(flag);
    return true;
  });

  const expected = readFileSync(join(goldenSet, 'invalid-config.golden.txt'), 'utf8').split('; ');
  for (const sentence of expected) {
    const field = [...sentence.matchAll(/\.([A-Z]\w+)/g)].at(-1)?.[1]?.toLowerCase();
    const [, source = ''] = [...sources].find(([path]) => path.toLowerCase().endsWith(`.${field}`)) ?? [];
    assert.ok(named.has(source), `${field} is refused, as ${source}; refused were ${[...named].join(', ')}`);
  }
});

test('a flag wins over the environment, and the environment over the default', () => {
  const environment = { KUMA_DATAPLANE_DRAIN_TIME: '10s', KUMA_DATAPLANE_MESH: 'payments' };
  const { settings, given } = read({ drainTime: ['5s'] }, environment);
  assert.equal(settings.drainTime, 5000);
  assert.equal(settings.mesh, 'payments');
  assert.equal(settings.proxyType, 'dataplane');
  assert.deepEqual([...given].sort(), ['drainTime', 'mesh']);
});

test('variables of the template add up over several flags and commas', () => {
  const { settings } = read({ resourceVars: ['name=web', 'port=80,zone=east=1'] });
  assert.deepEqual(settings.resourceVars, { name: 'web', port: '80', zone: 'east=1' });
});

test('every wrong value is named at once, by the flag or variable it came from', () => {
  assert.throws(
    () =>
      read(
        { controlPlaneUrl: ['localhost'], concurrency: ['many'] },
        { KUMA_READINESS_PORT: '0', KUMA_DATAPLANE_PROXY_TYPE: 'gateway' },
      ),
    (error: Error & { violations: readonly { field: string }[] }) => {
      assert.deepEqual(error.violations.map(({ field }) => field).sort(), [
        '--concurrency',
        '--cp-address',
        'KUMA_DATAPLANE_PROXY_TYPE',
        'KUMA_READINESS_PORT',
      ]);
      assert.match(
        error.message,
        /KUMA_DATAPLANE_PROXY_TYPE: expected one of dataplane, ingress, egress, got "gateway"/,
      );
      return true;
    },
  );
});

test('--skip-verify beside a CA is refused: one of them is a mistake', () => {
  assert.throws(
    () => read({ tlsSkipVerify: ['true'], caCertFile: ['ca.pem'] }),
    /--skip-verify: it contradicts the CA/,
  );
});

test('the printed configuration masks the token', () => {
  const printed = JSON.stringify(describeSettings(read({ token: ['eyJsecret'] }).settings));
  assert.match(printed, /"token":"\*{5}"/);
  assert.doesNotMatch(printed, /eyJsecret/);
});

test('a setting without effect says so only when somebody asks for it', () => {
  assert.deepEqual(settingsWithoutEffect(read({}).given), []);
  assert.deepEqual(
    settingsWithoutEffect(read({ coreDnsBinaryPath: ['/coredns'] }).given).map(({ name }) => name),
    ['--dns-coredns-path'],
  );
});
