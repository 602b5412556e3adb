// What our validators accept, the real Envoy accepts: resources of every kind that reaches a proxy, changed in each place that their schema knows
// to values from the edge, and the configurations that come of it. URSA_VARIANTS=20 takes that many of each place, URSA_VARIANTS=all
// every one (an hour), URSA_SEED others of them, URSA_TYPES=Dataplane,Mesh only some kinds.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fetchEnvoy } from '@ursa/data-plane';
import { validateTrust } from '../../../control-plane/src/identity/mesh-identities/validate-trusts.ts';
import { randomNumbers } from '../../../control-plane/test/xds/random-numbers.ts';
import type { SchemaNode } from '../../../resources/src/schema/schema-node.ts';
import { openAdsEnvoy } from '../generated/ads-envoy.ts';
import { configsOf, firstEffect, given, type Shown } from '../generated/show-each.ts';
import { showScenarios } from '../generated/show-scenarios.ts';
import { openShownScenario, type ShownResource, type ShownScenario } from '../generated/shown-scenario.ts';
import { type Variant, variantsOf } from '../generated/variants.ts';
import { realIdentity } from '../real-identity.ts';
import { scenarioFolders } from '../scenario.ts';

const seed = Number(process.env.URSA_SEED ?? 42);
const all = process.env.URSA_VARIANTS === 'all';
const only = process.env.URSA_TYPES?.split(',');
/** Values of one place that are shown to Envoy. */
const shownOfPlace = all ? Number.POSITIVE_INFINITY : Number(process.env.URSA_VARIANTS ?? 2);
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

/** Of each place, how many values had an effect, and in how many scenarios it was tried. */
interface Tried {
  shown: number;
  scenarios: number;
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

/** The control plane refuses a MeshTrust that it cannot read. */
function isRefused({ type }: ShownResource, spec: unknown): boolean {
  return type.name === 'MeshTrust' && validateTrust(spec as never).length > 0;
}

function isOfInterest(type: string): boolean {
  return !judged.includes(type) && only?.includes(type) !== false;
}

function* variantsToShow(scenario: ShownScenario, tried: Map<string, Tried>, refusals: string[]): Generator<Shown> {
  const before = configsOf(scenario, seed);
  for (const of of scenario.resources) {
    const { type, resource } = of;
    if (!isOfInterest(type.name)) continue;
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
        const change = { place, content };
        const shown = scenario.whileIs(of, changed, () => firstEffect(scenario, before, change, refusals));
        if (shown === undefined) idle += 1;
        else {
          counts.shown += 1;
          yield shown;
        }
      }
    }
  }
}

test('what our validators accept, the real Envoy accepts', async (context) => {
  const tried = new Map<string, Tried>();
  const refusals: string[] = [];
  const folders = scenarioFolders().filter((each) => all || !leftOut.test(each));
  const variants = (scenario: ShownScenario) => variantsToShow(scenario, tried, refusals);
  const shown = await showScenarios(context, folders, variants, refusals);
  const places = [...tried.values()].filter((counts) => counts.shown > 0).length;
  context.diagnostic(`seed ${seed}: ${shown} configurations, ${places} of ${tried.size} places have an effect`);
  if (only === undefined) assert.ok(places > 400 && shown > 800, `${shown} of ${places} places`);
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
