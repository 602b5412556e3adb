// A value that no configuration can be made of, past validation: in a store that an older version wrote, or that somebody wrote into. Wherever it
// stands, it costs what it stands in, and nothing beside it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EnvoyResource } from '@ursa/envoy';
import { builtinPolicies } from '@ursa/policies';
import { coreResourceTypes, type Resource } from '@ursa/resources';
import type { ProxyConfig } from '../src/index.ts';
import { configOf, openScenario, type Scenario, scenarioFolders } from './scenario.ts';

const badNumbers = [-4, 1e10, 0.5, Number.NaN];
const badTexts = ['\ud800'];
const types = [...coreResourceTypes.map(({ name }) => name), ...builtinPolicies.map(({ name }) => name)];
const envoyTypes = ['cluster', 'listener', 'endpoint', 'secret', 'route'] as const;

type Path = readonly (string | number)[];
type Configs = ReadonlyMap<string, ProxyConfig | undefined>;

interface Field {
  readonly path: Path;
  readonly value: number | string;
}

function fieldsOf(value: unknown, path: Path): readonly Field[] {
  if (typeof value === 'number' || typeof value === 'string') return [{ path, value }];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, part]) =>
    fieldsOf(part, [...path, Array.isArray(value) ? Number(key) : key]),
  );
}

function withField(value: unknown, [key, ...rest]: Path, content: unknown): unknown {
  if (key === undefined) return content;
  if (Array.isArray(value)) return value.map((part, at) => (at === key ? withField(part, rest, content) : part));
  const fields = value as Readonly<Record<string, unknown>>;
  return { ...fields, [key]: withField(fields[key], rest, content) };
}

const shapeOf = (type: string, path: Path): string =>
  `${type} ${path.map((part) => (typeof part === 'number' ? '[]' : part)).join('.')}`;

function keyOf({ mesh, settings }: Scenario, proxy: string): string {
  return `${settings.proxies?.[proxy]?.proxyType === 'egress' ? '' : mesh}/${proxy}`;
}

/** What new proxies would get: nothing of before is remembered. */
function configsOf(scenario: Scenario): Configs {
  const engine = scenario.world.openFreshEngine();
  return new Map(scenario.proxies.map((proxy) => [proxy, engine.config.get(keyOf(scenario, proxy))]));
}

/** What of one configuration another one does not have as it is. */
function lostOf(good: ProxyConfig, bad: ProxyConfig | undefined): readonly EnvoyResource[] {
  return envoyTypes.flatMap((type) =>
    [...good.resources[type].values()].filter(
      ({ name, version }) => bad?.resources[type].get(name)?.version !== version,
    ),
  );
}

const isTold = (config: ProxyConfig | undefined): boolean =>
  config?.warnings.some(({ message }) => /cannot be built|nothing can be made of it/.test(message)) === true;

/** Resources that the field shapes, or its whole resource: they are what a bad value may cost. */
function concernedBy(good: ProxyConfig, references: readonly (ProxyConfig | undefined)[]): ReadonlySet<EnvoyResource> {
  const differing = references.flatMap((reference) => lostOf(good, reference));
  // What is made at one go goes together.
  const together = new Set(['transparent', 'probe', 'prometheus', 'egress', 'direct-access']);
  const origins = new Set(differing.map(({ origin }) => origin).filter((origin) => together.has(origin)));
  const all = envoyTypes.flatMap((type) => [...good.resources[type].values()]);
  return new Set([...differing, ...all.filter(({ origin }) => origins.has(origin))]);
}

test('a bad value in any field of any resource costs what the field shapes, says so, and leaves all else as it was', () => {
  const seen = new Set<string>();
  let told = 0;
  for (const folder of scenarioFolders()) {
    const scenario = openScenario(folder);
    const { world, proxies } = scenario;
    for (const proxy of proxies) configOf(scenario, proxy);
    const good = configsOf(scenario);
    for (const type of types) {
      const source = world.resources(type);
      for (const key of [...source.keys()]) {
        const resource = source.get(key) as Resource;
        const place = (changed: Resource): Configs => {
          source.set(key, changed);
          const configs = configsOf(scenario);
          source.set(key, resource);
          return configs;
        };
        const fields = (['spec', 'status'] as const)
          .flatMap((part) => fieldsOf(resource[part], [part]))
          .filter(({ path }) => !seen.has(shapeOf(type, path)));
        if (fields.length === 0) continue;
        const left = (): Configs => {
          source.delete(key);
          const configs = configsOf(scenario);
          source.set(key, resource);
          return configs;
        };
        let without: Configs | undefined;
        for (const { path, value } of fields) {
          const shape = shapeOf(type, path);
          seen.add(shape);
          const put = (content: unknown) => place(withField(resource, path, content) as Resource);
          let other: Configs | undefined;
          for (const bad of typeof value === 'number' ? badNumbers : badTexts) {
            const configs = put(bad);
            for (const proxy of proxies) {
              const [before, after] = [good.get(proxy), configs.get(proxy)];
              if (before === undefined || !isTold(after)) continue;
              told += 1;
              without ??= left();
              other ??= put(typeof value === 'number' ? value + 1 : `${value}x`);
              // Of what a whole mesh or the proxy itself says, only the field can be left out.
              const ofProxy = type === 'Mesh' || key === keyOf(scenario, proxy);
              const mayCost = concernedBy(before, [other.get(proxy), ofProxy ? before : without.get(proxy)]);
              const lost = lostOf(before, after).filter((each) => !mayCost.has(each));
              const names = lost.map((each) => `${each.type}/${each.name}`);
              assert.deepEqual(names, [], `${folder}: ${shape} = ${bad} at ${proxy}`);
            }
          }
        }
      }
    }
  }
  assert.ok(told > 100, `${told} values were told of`);
});

test('a running proxy keeps what it had of a resource that cannot be built any more', () => {
  const folder = scenarioFolders().find((each) => each.endsWith('mesh-timeout/scenarios/slow-api'));
  assert.ok(folder !== undefined);
  const scenario = openScenario(folder);
  const [proxy = ''] = scenario.proxies;
  const before = configOf(scenario, proxy);
  const source = scenario.world.resources('Dataplane');
  const key = keyOf(scenario, proxy);
  const resource = source.get(key) as Resource;
  source.set(key, withField(resource, ['spec', 'networking', 'inbound', 0, 'servicePort'], 1e10) as Resource);
  const after = scenario.world.engine.config.get(key);
  assert.deepEqual(lostOf(before, after), []);
  const [warning] = after?.warnings ?? [];
  assert.equal(warning?.resource, `Dataplane/${key}`);
  assert.match(warning?.message ?? '', /^the listener inbound:\S+ cannot be built; what could be built last stays: /);
  assert.match(warning?.message ?? '', /networking\.inbound\[0\]\.servicePort: .*invalid uint32: 10000000000/);
  source.set(key, resource);
  assert.deepEqual(scenario.world.engine.config.get(key)?.warnings, before.warnings);
});
