// Configurations that come of changed resources, shown to one Envoy: which proxy one shows an effect at, and what Envoy refuses of it.
import assert from 'node:assert/strict';
import type { ProxyConfig } from '../../src/index.ts';
import type { AdsEnvoy } from './ads-envoy.ts';
import type { ShownScenario } from './shown-scenario.ts';

/** A configuration that differs from a scenario's own by one change. */
export interface Shown {
  readonly proxy: string;
  /** Where the change is. */
  readonly place: string;
  /** What stands there now. */
  readonly content: unknown;
  readonly config: ProxyConfig;
}

/** What the proxies of a scenario have as it is. */
export type Before = ReadonlyMap<string, ProxyConfig>;

/** Of the proxy's host, which has no such address, socket or file: no fault of what was written. */
const ofTheHost = /cannot bind|unable to (open|read) file|[Ff]ile .* does not exist/;

const envoyTypes = ['cluster', 'listener', 'endpoint', 'secret', 'route'] as const;
const nothing = Object.fromEntries(envoyTypes.map((type) => [type, new Map()])) as unknown as ProxyConfig['resources'];

/** The configuration, which there must be. */
export function given(config: ProxyConfig | undefined): ProxyConfig {
  assert.ok(config !== undefined);
  return config;
}

/** What the proxies of a scenario have now. Which of them comes first, and is the first to be looked at, depends on the turn. */
export function configsOf({ proxies, configOf }: ShownScenario, turn = 0): Before {
  const first = turn % Math.max(1, proxies.length);
  const inTurn = [...proxies.slice(first), ...proxies.slice(0, first)];
  return new Map(inTurn.map((proxy) => [proxy, given(configOf(proxy))]));
}

function differ(one: ProxyConfig, other: ProxyConfig): boolean {
  return envoyTypes.some((type) => {
    const [ours, theirs] = [one.resources[type], other.resources[type]];
    return ours.size !== theirs.size || [...ours].some(([name, { version }]) => theirs.get(name)?.version !== version);
  });
}

/** The first proxy whose configuration a change shows at; what cannot be built becomes a refusal of ours. */
export function firstEffect(
  scenario: ShownScenario,
  before: Before,
  { place, content }: Pick<Shown, 'place' | 'content'>,
  refusals: string[],
): Shown | undefined {
  for (const [proxy, old] of before) {
    const config = scenario.configOf(proxy);
    if (config === undefined) continue;
    const unbuilt = config.warnings.find(({ message }) => /cannot be built|nothing can be made/.test(message));
    if (unbuilt !== undefined) refusals.push(`${place} ${told(content)} at ${proxy}: ${unbuilt.message}`);
    if (differ(config, old)) return { proxy, place, content, config };
  }
  return undefined;
}

/** A value as it is told, cut. */
function told(content: unknown): string {
  const text = JSON.stringify(content) ?? '';
  return text.length > 120 ? `${text.slice(0, 120)}… (${text.length})` : text;
}

/** Shows one configuration; resolves with the first line of what Envoy refuses. */
async function show(envoy: AdsEnvoy, config: ProxyConfig): Promise<string | undefined> {
  const words = (await envoy.show(config.resources)).flatMap((text) => text.split('\n'));
  return words.find((line) => line !== '' && !ofTheHost.test(line));
}

/** The same to an Envoy that has nothing else. */
export async function showAlone(envoy: AdsEnvoy, config: ProxyConfig): Promise<string | undefined> {
  await envoy.show(nothing);
  return show(envoy, config);
}

/** Shows a scenario's configurations, proxy by proxy; resolves with how many. Refusals are added to the list. */
export async function showEach(
  envoy: AdsEnvoy,
  scenario: ShownScenario,
  shown: Iterable<Shown>,
  refusals: string[],
): Promise<number> {
  let count = 0;
  for (const [proxy, ones] of Map.groupBy(shown, (each) => each.proxy)) {
    const base = given(scenario.configOf(proxy));
    assert.equal(await showAlone(envoy, base), undefined, `${scenario.folder}: ${proxy} as it is`);
    for (const { place, content, config } of ones) {
      count += 1;
      if ((await show(envoy, config)) === undefined) continue;
      // Once more by itself: what came before may still have had one of its addresses.
      const refusal = await showAlone(envoy, config);
      if (refusal === undefined) continue;
      refusals.push(`${place} ${told(content)} at ${proxy} of ${scenario.folder}: ${refusal.slice(0, 400)}`);
      await showAlone(envoy, base);
    }
  }
  return count;
}
