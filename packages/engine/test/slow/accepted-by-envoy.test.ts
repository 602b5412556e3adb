// What our validators accept, the real Envoy accepts: resources of every kind that reaches a proxy, changed in each place that their schema knows
// to values from the edge, and the configurations that come of it. URSA_VARIANTS=all tries every value (some minutes), URSA_SEED others of them,
// URSA_TYPES=Dataplane,Mesh only some kinds.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fetchEnvoy } from '@ursa/data-plane';
import { validateTrust } from '../../../control-plane/src/identity/mesh-identities/validate-trusts.ts';
import { randomNumbers } from '../../../control-plane/test/xds/random-numbers.ts';
import type { SchemaNode } from '../../../resources/src/schema/schema-node.ts';
import type { ProxyConfig } from '../../src/index.ts';
import { type AdsEnvoy, openAdsEnvoy } from '../generated/ads-envoy.ts';
import { openShownScenario, type ShownResource, type ShownScenario } from '../generated/shown-scenario.ts';
import { type Variant, variantsOf } from '../generated/variants.ts';
import { realIdentity } from '../real-identity.ts';
import { scenarioFolders } from '../scenario.ts';

const seed = Number(process.env.URSA_SEED ?? 42);
const all = process.env.URSA_VARIANTS === 'all';
const only = process.env.URSA_TYPES?.split(',');
/** Values of one place that are shown to Envoy. */
const shownOfPlace = all ? Number.POSITIVE_INFINITY : 3;
/** Values of one place without an effect on any proxy of a scenario, after which the next scenario is waited for. */
const idleOfPlace = all ? Number.POSITIVE_INFINITY : 2;
/** Scenarios in which a place without an effect is tried. */
const scenariosOfPlace = all ? 6 : 3;
/**
 * Scenarios about who is selected, by the same resources for each policy: many proxies, and nothing of their own. And one whose secrets come from an
 * agent that is not here: Envoy waits fifteen seconds for it each time.
 */
const leftOut = /\/(by-proxy-type|by-target-kind|mesh-identity-spire)$/;

/** Kinds whose content is Envoy's own configuration: a real Envoy judges them before they are stored (decision 0112). */
const judged: readonly string[] = ['MeshProxyPatch'];
/** Kinds whose rules are not as strict as Envoy yet: known refusals, to be mended. `URSA_TYPES` shows them. */
const later: readonly string[] = [
  'MeshAccessLog',
  'MeshCircuitBreaker',
  'MeshFaultInjection',
  'MeshHTTPRoute',
  'MeshHealthCheck',
  'MeshLoadBalancingStrategy',
  'MeshMetric',
  'MeshPassthrough',
  'MeshRateLimit',
  'MeshRetry',
  'MeshTCPRoute',
  'MeshTrace',
];
/** Of the proxy's host, which has no such address, socket or file: no fault of what was written. */
const ofTheHost = /cannot bind|unable to (open|read) file|[Ff]ile .* does not exist/;

interface Shown {
  readonly proxy: string;
  readonly place: string;
  readonly content: unknown;
  readonly config: ProxyConfig;
}

/** Of each place, how many values had an effect, and in how many scenarios it was tried. */
interface Tried {
  shown: number;
  scenarios: number;
}

const envoyTypes = ['cluster', 'listener', 'endpoint', 'secret', 'route'] as const;
const nothing = Object.fromEntries(envoyTypes.map((type) => [type, new Map()])) as unknown as ProxyConfig['resources'];

function given(config: ProxyConfig | undefined): ProxyConfig {
  assert.ok(config !== undefined);
  return config;
}

function differ(one: ProxyConfig, other: ProxyConfig): boolean {
  return envoyTypes.some((type) => {
    const [ours, theirs] = [one.resources[type], other.resources[type]];
    return ours.size !== theirs.size || [...ours].some(([name, { version }]) => theirs.get(name)?.version !== version);
  });
}

/** The values in an order that depends on the seed and the place alone. */
function shuffled(place: string, values: readonly Variant[]): readonly Variant[] {
  if (all) return values;
  const own = Array.from(place).reduce((sum, character) => (sum * 31 + (character.codePointAt(0) ?? 0)) | 0, seed);
  const random = randomNumbers(own);
  return values
    .map((value) => ({ value, rank: random(1_000_000) }))
    .sort((one, other) => one.rank - other.rank)
    .map(({ value }) => value);
}

/** A value as it is told, cut. */
function told(content: unknown): string {
  const text = JSON.stringify(content) ?? '';
  return text.length > 120 ? `${text.slice(0, 120)}… (${text.length})` : text;
}

/** The control plane refuses a MeshTrust that it cannot read. */
function isRefused({ type }: ShownResource, spec: unknown): boolean {
  return type.name === 'MeshTrust' && validateTrust(spec as never).length > 0;
}

function isOfInterest(type: string): boolean {
  return only === undefined ? !later.includes(type) : only.includes(type);
}

function* variantsToShow(scenario: ShownScenario, tried: Map<string, Tried>, refusals: string[]): Generator<Shown> {
  const before = new Map(scenario.proxies.map((proxy) => [proxy, given(scenario.configOf(proxy))]));
  for (const of of scenario.resources) {
    const { type, resource } = of;
    if (judged.includes(type.name) || !isOfInterest(type.name)) continue;
    const isWanted = (place: string): boolean => {
      const { shown = 0, scenarios = 0 } = tried.get(place) ?? {};
      return shown < shownOfPlace && scenarios < scenariosOfPlace;
    };
    const variants = variantsOf(type.spec as SchemaNode, resource.spec, type.name, isWanted);
    const places = Map.groupBy(variants, ({ place }) => place);
    for (const [place, values] of places) {
      const counts = tried.get(place) ?? { shown: 0, scenarios: 0 };
      tried.set(place, counts);
      counts.scenarios += 1;
      let idle = 0;
      for (const { value, content } of shuffled(place, values)) {
        if (counts.shown >= shownOfPlace || idle >= idleOfPlace) break;
        const changed = scenario.accepted(of, value);
        if (changed === undefined || isRefused(of, changed.spec)) continue;
        const shown = scenario.whileIs(of, changed, () => {
          for (const [proxy, old] of before) {
            const config = scenario.configOf(proxy);
            if (config === undefined) continue;
            const unbuilt = config.warnings.find(({ message }) => /cannot be built|nothing can be made/.test(message));
            if (unbuilt !== undefined) refusals.push(`${place} ${told(content)} at ${proxy}: ${unbuilt.message}`);
            if (differ(config, old)) return { proxy, place, content, config };
          }
          return undefined;
        });
        if (shown === undefined) idle += 1;
        else {
          counts.shown += 1;
          yield shown;
        }
      }
    }
  }
}

async function show(envoy: AdsEnvoy, config: ProxyConfig): Promise<string | undefined> {
  const words = (await envoy.show(config.resources)).flatMap((text) => text.split('\n'));
  return words.find((line) => line !== '' && !ofTheHost.test(line));
}

test('what our validators accept, the real Envoy accepts', async (context) => {
  const { path } = await fetchEnvoy(process.env);
  const envoy = await openAdsEnvoy(path);
  context.after(() => envoy.stop());
  const identity = await realIdentity();
  const tried = new Map<string, Tried>();
  const refusals: string[] = [];
  let shown = 0;
  for (const folder of scenarioFolders().filter((each) => all || !leftOut.test(each))) {
    const scenario = openShownScenario(folder, identity, envoy.directory);
    const ofProxy = Map.groupBy(variantsToShow(scenario, tried, refusals), ({ proxy }) => proxy);
    for (const [proxy, ones] of ofProxy) {
      const base = given(scenario.configOf(proxy));
      await envoy.show(nothing);
      assert.equal(await show(envoy, base), undefined, `${folder}: ${proxy} as it is`);
      for (const { place, content, config } of ones) {
        shown += 1;
        if ((await show(envoy, config)) === undefined) continue;
        // Once more by itself: what came before may still have had one of its addresses.
        await envoy.show(nothing);
        const refusal = await show(envoy, config);
        if (refusal === undefined) continue;
        refusals.push(`${place} ${told(content)} at ${proxy} of ${folder}: ${refusal.slice(0, 400)}`);
        await envoy.show(nothing);
        await envoy.show(base.resources);
      }
    }
  }
  const places = [...tried.values()].filter((counts) => counts.shown > 0).length;
  context.diagnostic(`seed ${seed}: ${shown} configurations, ${places} of ${tried.size} places have an effect`);
  if (only === undefined) assert.ok(places > 80 && shown > 200, `${shown} of ${places} places`);
  assert.deepEqual(refusals, []);
});

test('a configuration that Envoy does not accept is noticed', async (context) => {
  const { path } = await fetchEnvoy(process.env);
  const envoy = await openAdsEnvoy(path);
  context.after(() => envoy.stop());
  const [folder = ''] = scenarioFolders();
  const scenario = openShownScenario(folder, await realIdentity(), envoy.directory);
  const [proxy = ''] = scenario.proxies;
  const { resources } = given(scenario.configOf(proxy));
  const [[name, listener] = assert.fail('it has a listener')] = resources.listener;
  // A name of 255 bytes that is not there.
  const bytes = Uint8Array.of(...listener.bytes, 0x0a, 0xff, 0x01);
  const broken = new Map([...resources.listener, [name, { ...listener, version: 'broken', bytes }]]);
  assert.notDeepEqual(await envoy.show({ ...resources, listener: broken }), []);
  assert.deepEqual(await envoy.show(resources), []);
});
