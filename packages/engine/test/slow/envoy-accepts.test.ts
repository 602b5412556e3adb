// Every golden configuration is loaded by the real Envoy: names and fields can be right in the text and still be refused by its checks.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { fetchEnvoy } from '@ursa/data-plane';
import type { AdminIdentity, ProxyConfig } from '../../src/index.ts';
import { bootstrapOf } from '../bootstrap.ts';
import { realIdentity } from '../real-identity.ts';
import { configOf, openScenario, scenarioFolders } from '../scenario.ts';
import { validateByEnvoy } from './validate-by-envoy.ts';

/** Extensions of this project's Envoy do not include the Kafka filter. */
const extensions = ['envoy.filters.network.tcp_proxy'];

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
    const error = await validateByEnvoy(path, join(folder, `${name}.json`), bootstrapOf(config));
    if (error !== '') refused.push(`${name}: ${error}`);
  }
  const [first] = configs;
  assert.ok(first);
  const text = JSON.stringify(bootstrapOf(first.config)).replaceAll('"connectTimeout":"5s"', '"connectTimeout":"-5s"');
  const broken = await validateByEnvoy(path, join(folder, 'broken.json'), JSON.parse(text));
  assert.match(broken, /Invalid duration/, 'Envoy looks at what it is given');
  context.diagnostic(`${configs.length} configurations`);
  assert.ok(configs.length > 0);
  assert.deepEqual(refused, []);
});
