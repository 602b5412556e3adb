// Scenarios: a folder with `mesh.yaml` (what a user writes) and `expect.<proxy>.yaml` (what that proxy's Envoy gets). Run through the whole
// engine. An optional `scenario.yaml` says what connects and which resources are shown, so that expectations stay short enough to be read.
import { existsSync, globSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type EnvoyType, resourceJson } from '@ursa/envoy';
import { builtinPolicies } from '@ursa/policies';
import { parse, parseAllDocuments, stringify } from 'yaml';
import type { ConnectedProxy, EngineSettings, ProxyConfig } from '../src/index.ts';
import { createWorld, type World } from './world.ts';

/** What `scenario.yaml` may say. */
interface ScenarioSettings {
  /** Proxies that connect beside those with an expectation; facts that differ from a default kuma-dp with transparent proxying. */
  readonly proxies?: Readonly<Record<string, Partial<ConnectedProxy>>>;
  /** Settings of the control plane that differ from its defaults. */
  readonly engine?: Partial<EngineSettings>;
  /** Resources to show, as `<type>/<name>`, where `*` stands for any text. Default: all but what every proxy has. */
  readonly show?: readonly string[];
}

/** A scenario that was read. */
export interface Scenario {
  readonly folder: string;
  readonly world: World;
  readonly mesh: string;
  readonly settings: ScenarioSettings;
  /** Proxies that have an expectation. */
  readonly proxies: readonly string[];
}

const shownByDefault = ['cluster/*', 'endpoint/*', 'listener/*', 'route/*'];
const shownNowhere =
  /^(cluster|listener)\/(kuma:envoy:admin|kuma:readiness|system_envoy_admin|system_probe_readiness)$/;

/** All scenario folders of the repository: the engine's own and those of the policies. */
export function scenarioFolders(): readonly string[] {
  const packages = join(import.meta.dirname, '../..');
  const files = globSync(['engine/scenarios/*/mesh.yaml', 'policies/src/*/scenarios/*/mesh.yaml'], { cwd: packages });
  return files.sort().map((file) => join(packages, file, '..'));
}

/** Reads a scenario and puts its mesh into a world, with another name where one is given. Throws when a document is refused. */
export function openScenario(folder: string, renamed?: string): Scenario {
  const settingsFile = join(folder, 'scenario.yaml');
  const settings = existsSync(settingsFile) ? (parse(readFileSync(settingsFile, 'utf8')) as ScenarioSettings) : {};
  const world = createWorld(builtinPolicies, 'default', settings.engine);
  let mesh = 'default';
  for (const document of parseAllDocuments(readFileSync(join(folder, 'mesh.yaml'), 'utf8'))) {
    const content = document.toJS() as { type?: string; name?: string; mesh?: string };
    if (renamed !== undefined && content.type === 'Mesh') content.name = renamed;
    if (renamed !== undefined && content.mesh !== undefined) content.mesh = renamed;
    if (content.type === 'Mesh' && content.name !== undefined) mesh = content.name;
    world.apply(content);
  }
  world.settle();
  for (const [proxy, facts] of Object.entries(settings.proxies ?? {})) world.connect(mesh, proxy, facts);
  const proxies = readdirSync(folder).flatMap((file) => /^expect\.(.+)\.yaml$/.exec(file)?.[1] ?? []);
  return { folder, world, mesh, settings, proxies };
}

/** The configuration of a scenario's proxy. */
export function configOf({ world, mesh, settings, folder }: Scenario, proxy: string): ProxyConfig {
  const facts = settings.proxies?.[proxy];
  const config = world.engine.config.get(world.connect(facts?.proxyType === 'egress' ? '' : mesh, proxy, facts));
  if (config === undefined)
    throw new Error(`${folder}: there is no Dataplane ${proxy} in the mesh ${mesh}, and no such ZoneEgress`);
  return config;
}

function isShown(name: string, patterns: readonly string[]): boolean {
  if (patterns === shownByDefault && shownNowhere.test(name)) return false;
  return patterns.some((pattern) => {
    const parts = pattern.split('*').map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&'));
    return new RegExp(`^${parts.join('.*')}$`).test(name);
  });
}

/** A configuration as the text of its expectation. */
export function describeConfig(config: ProxyConfig, show: readonly string[] = shownByDefault): string {
  const shown: Record<string, unknown> = {};
  for (const type of ['cluster', 'endpoint', 'listener', 'route', 'secret'] satisfies EnvoyType[]) {
    for (const [name, resource] of [...config.resources[type]].sort(([first], [second]) => (first < second ? -1 : 1))) {
      if (isShown(`${type}/${name}`, show)) shown[`${type}/${name}`] = resourceJson(resource);
    }
  }
  if (config.warnings.length > 0) shown.warnings = config.warnings;
  return stringify(shown, { lineWidth: 140, aliasDuplicateObjects: false });
}

/** Expected and actual text of each proxy of a scenario. With `write`, the actual text becomes the expectation. */
export function runScenario(
  folder: string,
  write: boolean,
): readonly { readonly proxy: string; readonly expected: string; readonly actual: string }[] {
  const scenario = openScenario(folder);
  if (scenario.proxies.length === 0)
    throw new Error(`${folder} expects nothing: create an empty expect.<proxy>.yaml and write it`);
  return scenario.proxies.map((proxy) => {
    const file = join(folder, `expect.${proxy}.yaml`);
    const actual = describeConfig(configOf(scenario, proxy), scenario.settings.show);
    if (write) writeFileSync(file, actual);
    return { proxy, expected: readFileSync(file, 'utf8'), actual };
  });
}
