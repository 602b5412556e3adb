// Every golden configuration is loaded by the real Envoy: names and fields can be right in the text and still be refused by its checks.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { fetchEnvoy } from '@ursa/data-plane';
import type { AdminIdentity, ProxyConfig } from '../../src/index.ts';
import { bootstrapOf } from '../bootstrap.ts';
import { realIdentity } from '../real-identity.ts';
import { configOf, openScenario, scenarioFolders } from '../scenario.ts';

/** Extensions of this project's Envoy do not include the Kafka filter. */
const extensions = ['envoy.filters.network.tcp_proxy'];

function validate(envoy: string, file: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(envoy, ['--mode', 'validate', '-c', file, '--log-level', 'error', '--concurrency', '1']);
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk));
    child.on('error', reject);
    child.on('close', (code) => resolve(code === 0 ? '' : `exit ${code}: ${output}`));
  });
}

function configsOf(folder: string, admin: AdminIdentity): { readonly name: string; readonly config: ProxyConfig }[] {
  const scenario = openScenario(folder);
  return scenario.proxies.map((proxy) => {
    const proxies = { ...scenario.settings.proxies, [proxy]: { ...scenario.settings.proxies?.[proxy], extensions } };
    const isEgress = scenario.settings.proxies?.[proxy]?.proxyType === 'egress';
    const key = `${isEgress ? '' : scenario.mesh}/${proxy}`;
    configOf({ ...scenario, settings: { ...scenario.settings, proxies } }, proxy);
    scenario.world.sources.adminIdentities.set(key, admin);
    const config = scenario.world.engine.config.get(key);
    assert.ok(config);
    return { name: `${basename(folder)}.${proxy}`, config };
  });
}

test('the real Envoy accepts every golden configuration', async (context) => {
  const { path } = await fetchEnvoy(process.env);
  const admin = await realIdentity();
  const folder = mkdtempSync(join(tmpdir(), 'ursa-validate-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const configs = scenarioFolders().flatMap((scenario) => configsOf(scenario, admin));
  const refused: string[] = [];
  for (const { name, config } of configs) {
    const file = join(folder, `${name}.json`);
    writeFileSync(file, JSON.stringify(bootstrapOf(config)));
    const error = await validate(path, file);
    if (error !== '') refused.push(`${name}: ${error}`);
  }
  const broken = join(folder, 'broken.json');
  const [first] = configs;
  assert.ok(first);
  writeFileSync(
    broken,
    JSON.stringify(bootstrapOf(first.config)).replaceAll('"connectTimeout":"5s"', '"connectTimeout":"-5s"'),
  );
  assert.match(await validate(path, broken), /Invalid duration/, 'Envoy looks at what it is given');
  context.diagnostic(`${configs.length} configurations`);
  assert.ok(configs.length > 0);
  assert.deepEqual(refused, []);
});
