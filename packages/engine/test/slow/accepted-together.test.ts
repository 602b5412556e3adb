// What our validators accept, the real Envoy accepts: whatever resources and meshes are called, and whichever policies come together.
// URSA_VARIANTS=all tries all names and many more pairs, URSA_SEED other pairs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fetchEnvoy } from '@ursa/data-plane';
import { randomNumbers } from '../../../control-plane/test/xds/random-numbers.ts';
import { openAdsEnvoy } from '../generated/ads-envoy.ts';
import { hostileHeads, hostileMeshNames } from '../generated/heads.ts';
import { donorsOf, pairsToShow } from '../generated/policy-pairs.ts';
import { configsOf, firstEffect, type Shown, showAlone, showEach } from '../generated/show-each.ts';
import { showScenarios } from '../generated/show-scenarios.ts';
import { openShownScenario, type ShownScenario } from '../generated/shown-scenario.ts';
import { realIdentity } from '../real-identity.ts';
import { scenarioFolders } from '../scenario.ts';

const seed = Number(process.env.URSA_SEED ?? 42);
const all = process.env.URSA_VARIANTS === 'all';
/** How often a name for one type is tried, and shown. */
const triesOfName = all ? 50 : 3;
const shownOfName = all ? 20 : 1;
const pairsOfScenario = all ? 2000 : 60;
/** Who is selected is not what is asked here, and the last waits for an agent that is not there. */
const leftOut = /\/(by-proxy-type|by-target-kind|mesh-identity-spire)$/;
/** A real Envoy judges them before they are stored (decision 0112). */
const judged = ['MeshProxyPatch'];

const folders = scenarioFolders().filter((folder) => !leftOut.test(folder));
const ofEngine = folders.filter((folder) => folder.includes('/engine/scenarios/'));

interface Tried {
  shown: number;
  tries: number;
}

function* headsToShow(scenario: ShownScenario, tried: Map<string, Tried>, refusals: string[]): Generator<Shown> {
  const before = configsOf(scenario);
  for (const of of scenario.resources) {
    const { type, resource } = of;
    // Proxies say their name when they connect, and everything else names its mesh.
    const isFixed = type.name === 'Mesh' || scenario.proxies.includes(resource.name);
    for (const { place: part, content, head } of hostileHeads) {
      const place = `${type.name} ${part}`;
      const counted = `${place} ${content}`;
      const counts = tried.get(counted) ?? { shown: 0, tries: 0 };
      if ((part === 'name' && isFixed) || counts.shown >= shownOfName || counts.tries >= triesOfName) continue;
      tried.set(counted, counts);
      counts.tries += 1;
      const changed = scenario.accepted(of, resource.spec, head);
      if (changed === undefined) continue;
      const change = { place, content };
      const shown = scenario.whileIs(of, changed, () => firstEffect(scenario, before, change, refusals));
      if (shown === undefined) continue;
      counts.shown += 1;
      yield shown;
    }
  }
}

test('Envoy accepts whatever resources may be called', async (context) => {
  const tried = new Map<string, Tried>();
  const refusals: string[] = [];
  const heads = (scenario: ShownScenario) => headsToShow(scenario, tried, refusals);
  const shown = await showScenarios(context, folders, heads, refusals);
  context.diagnostic(`${shown} configurations`);
  assert.ok(shown > 50);
  assert.deepEqual(refusals, []);
});

test('Envoy accepts whatever meshes may be called', async (context) => {
  const { path } = await fetchEnvoy(process.env);
  const envoy = await openAdsEnvoy(path);
  context.after(() => envoy.stop());
  const identity = await realIdentity();
  const refusals: string[] = [];
  for (const folder of all ? folders : ofEngine) {
    for (const mesh of hostileMeshNames) {
      const scenario = openShownScenario(folder, identity, envoy.directory, mesh);
      for (const [proxy, config] of configsOf(scenario)) {
        const refusal = await showAlone(envoy, config);
        if (refusal !== undefined) refusals.push(`${mesh} at ${proxy} of ${folder}: ${refusal}`);
      }
    }
  }
  assert.deepEqual(refusals, []);
});

test('Envoy accepts what two policies come to together', async (context) => {
  const { path } = await fetchEnvoy(process.env);
  const envoy = await openAdsEnvoy(path);
  context.after(() => envoy.stop());
  const identity = await realIdentity();
  const donors = donorsOf(folders, judged);
  const random = randomNumbers(seed);
  const refusals: string[] = [];
  let shown = 0;
  for (const [name, services] of Object.entries({
    protocols: ['s-tcp', 's-http', 's-http2', 's-grpc', 's-kafka', 's-unsaid'],
    'transparent-proxy': ['web', 'api'],
    'mtls-strict': ['web', 'web-tcp', 'api'],
    'external-services-through-egress': ['web', 'payments', 'mirrors', 'maps'],
  })) {
    const folder = ofEngine.find((each) => each.endsWith(`/${name}`)) ?? assert.fail(name);
    const scenario = openShownScenario(folder, identity, envoy.directory);
    const pairs = pairsToShow(scenario, donors, services, pairsOfScenario, random, refusals);
    shown += await showEach(envoy, scenario, pairs, refusals);
  }
  context.diagnostic(`seed ${seed}: ${shown} configurations`);
  assert.ok(shown > pairsOfScenario);
  assert.deepEqual(refusals, []);
});
