// Fast inner loop against the conformance corpus, without a server: node packages/engine/test/oracle.ts <area> [scenario] prints differences.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { resourceJson } from '@ursa/envoy';
import { keepProbeAnswers } from '@ursa/resources';
import { parse, parseAllDocuments } from 'yaml';
import type { ProxyConfig } from '../src/index.ts';
import { createWorld, type World } from './world.ts';

/** Where the corpus lies when it is there: beside the repository. */
export const corpus = join(import.meta.dirname, '../../../../shared/conformance/oracle');

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

interface ScenarioFile {
  readonly mesh: string;
  readonly proxies?: readonly {
    readonly name: string;
    readonly type?: string;
    readonly features?: readonly string[];
  }[];
}

const sections = {
  cluster: 'clusters',
  endpoint: 'endpoints',
  listener: 'listeners',
  route: 'routes',
  secret: 'secrets',
} as const;

// Lists of Envoy's API whose order means nothing; the same as the corpus' own checker has.
const unordered = new Set(
  (
    'filterChains lbEndpoints endpoints virtualHosts domains principals permissions ids matchTypedSubjectAltNames ' +
    'matchSubjectAltNames prefixRanges serverNames applicationProtocols sourcePrefixRanges retriableStatusCodes retriableHeaders ' +
    'additionalAddresses virtualDomains statsTags inlineDnsTable records address ips features'
  ).split(' '),
);

function sortedJson(value: Json): string {
  return JSON.stringify(value, (_, part: Json) =>
    part !== null && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([first], [second]) => (first < second ? -1 : 1)))
      : part,
  );
}

function isPem(value: { [key: string]: Json }): boolean {
  const { inlineBytes, inlineString } = value;
  const text = typeof inlineBytes === 'string' ? Buffer.from(inlineBytes, 'base64').toString() : inlineString;
  return Object.keys(value).length === 1 && typeof text === 'string' && text.includes('-----BEGIN ');
}

/** How the corpus writes a value that differs from run to run. */
function placeholder(name: string): string {
  return ['$', '{', name, '}'].join('');
}

/** Replaces what differs from run to run, and sorts what has no order. */
function normalise(value: Json, names: ReadonlyMap<string, string>, field = ''): Json {
  const text = (given: string): string => {
    if (/^[0-9a-f]{64}$/.test(given)) return placeholder('sha256');
    return given.replaceAll(
      /\b24[0-3]\.\d+\.\d+\.\d+\b|\bfd00:fd00::[0-9a-f]+:[0-9a-f]+/g,
      (ip) => names.get(ip) ?? ip,
    );
  };
  if (typeof value === 'string') {
    if (field === 'inlineString' && value.startsWith('{'))
      return { $json: normalise(JSON.parse(value) as Json, names) };
    return text(value);
  }
  if (value === null || typeof value !== 'object')
    return field === 'maxDirectResponseBodySizeBytes' ? placeholder('size') : value;
  if (Array.isArray(value)) {
    if (value.some((item) => item !== null && typeof item === 'object' && '$pem' in item)) return placeholder('pem');
    const items = value.map((item) => normalise(item, names));
    return unordered.has(field)
      ? items.sort((first, second) => (sortedJson(first) < sortedJson(second) ? -1 : 1))
      : items;
  }
  if (isPem(value)) return placeholder('pem');
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [text(key), normalise(part, names, key)]));
}

/** Placeholders of the corpus for the addresses that this world gave out. */
function addressNames(world: World): Map<string, string> {
  const names = new Map<string, string>();
  for (const key of world.resources('MeshService').keys()) {
    const resource = world.resources('MeshService').get(key);
    const status = resource?.status as { vips?: { ip: string }[]; addresses?: { hostname: string }[] } | undefined;
    const [hostname] = status?.addresses?.map((address) => address.hostname).sort() ?? [];
    for (const { ip } of status?.vips ?? []) {
      names.set(ip, placeholder(`vip:MeshService/${resource?.name}`));
      names.set(twin(ip), placeholder(`vip6:${hostname}`));
    }
  }
  for (const key of world.inputs.serviceVips.keys()) {
    const vip = world.inputs.serviceVips.get(key);
    if (vip === undefined) continue;
    names.set(vip.address, placeholder(`vip:${vip.service}.mesh`));
    names.set(twin(vip.address), placeholder(`vip6:${vip.service}.mesh`));
  }
  return names;
}

function twin(ip: string): string {
  const [first = 0, second = 0, third = 0, fourth = 0] = ip.split('.').map(Number);
  return `fd00:fd00::${(first * 256 + second).toString(16)}:${(third * 256 + fourth).toString(16)}`;
}

function differences(path: string, expected: Json | undefined, actual: Json | undefined, found: string[]): void {
  if (expected === undefined) found.push(`unexpected ${path} = ${JSON.stringify(actual).slice(0, 300)}`);
  else if (actual === undefined) found.push(`missing    ${path} = ${JSON.stringify(expected).slice(0, 300)}`);
  else if (Array.isArray(expected) && Array.isArray(actual) && expected.length === actual.length) {
    for (const [position, item] of expected.entries())
      differences(`${path}[${position}]`, item, actual[position], found);
  } else if (isRecord(expected) && isRecord(actual)) {
    for (const key of new Set([...Object.keys(expected), ...Object.keys(actual)])) {
      differences(`${path}/${key}`, expected[key], actual[key], found);
    }
  } else if (JSON.stringify(expected) !== JSON.stringify(actual)) {
    found.push(
      `differs    ${path}: expected ${JSON.stringify(expected).slice(0, 400)}, got ${JSON.stringify(actual).slice(0, 400)}`,
    );
  }
}

function isRecord(value: Json): value is { [key: string]: Json } {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/** All resources of a configuration as JSON, by the corpus' section names. */
function dump(config: ProxyConfig): Record<string, Json> {
  return Object.fromEntries(
    Object.entries(sections).map(([type, section]) => {
      const resources = config.resources[type as keyof typeof sections];
      return [
        section,
        Object.fromEntries([...resources].map(([name, resource]) => [name, resourceJson(resource) as Json])),
      ];
    }),
  );
}

/** What the control plane writes into a Dataplane whose workload is probed, and was not probed yet. */
function withProbeStates(document: unknown): unknown {
  const { type, labels = {}, ...spec } = document as { type?: string; labels?: Record<string, string> };
  if (type !== 'Dataplane') return document;
  return { type, labels, ...(keepProbeAnswers({ labels, spec }, undefined).spec as object) };
}

/** Differences between what the corpus expects of a scenario's proxies and what the engine makes; the number of resources compared. */
export function compareScenario(folder: string): {
  readonly compared: number;
  readonly differences: readonly string[];
} {
  const scenario = parse(readFileSync(join(folder, 'scenario.yaml'), 'utf8')) as ScenarioFile;
  const applied = JSON.parse(readFileSync(join(folder, 'expected/apply.json'), 'utf8')) as { status: number }[];
  const world = createWorld();
  const found: string[] = [];
  const documents = parseAllDocuments(readFileSync(join(folder, 'resources.yaml'), 'utf8')).map(
    (item) => item.toJS() as unknown,
  );
  for (const [position, document] of documents.entries()) {
    if ((applied[position]?.status ?? 200) >= 400) continue;
    try {
      world.apply(withProbeStates(document));
    } catch (error) {
      found.push(`not applied ${JSON.stringify(document).slice(0, 100)}: ${String(error)}`);
    }
  }
  let compared = 0;
  world.settle();
  for (const { name, type = 'dataplane', features } of scenario.proxies ?? []) {
    const file = join(folder, `expected/${name}.xds.json`);
    if (type !== 'dataplane' || !existsSync(file)) continue;
    const key = world.connect(scenario.mesh, name, features === undefined ? {} : { features });
    const config = world.engine.config.get(key);
    const names = addressNames(world);
    const expected = normalise(JSON.parse(readFileSync(file, 'utf8')) as Json, names) as Record<
      string,
      Record<string, Json>
    >;
    const actual = (config === undefined ? {} : normalise(dump(config), names)) as Record<string, Record<string, Json>>;
    for (const warning of config?.warnings ?? []) found.push(`warning    ${name}: ${warning.message}`);
    for (const section of Object.keys(expected)) {
      compared += Object.keys(expected[section] ?? {}).length;
      differences(`${name}.xds.json/${section}`, expected[section], actual[section], found);
    }
  }
  return { compared, differences: found };
}

/** Folders of an area's scenarios; none when the corpus is not there. */
export function scenariosOf(area: string): readonly string[] {
  const folder = join(corpus, area);
  return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
}

if (process.argv[1] === import.meta.filename) {
  const [, , area = 'protocols', only = ''] = process.argv;
  let passed = 0;
  const folders = scenariosOf(area).filter((folder) => folder.includes(only));
  for (const folder of folders) {
    const result = compareScenario(folder);
    if (result.differences.length === 0) passed++;
    console.log(
      `${result.differences.length === 0 ? 'ok  ' : 'FAIL'} ${folder.split('/').at(-1)} (${result.compared} resources)`,
    );
    for (const difference of result.differences.slice(0, only === '' ? 5 : 100)) console.log(`     ${difference}`);
  }
  console.log(`${passed} of ${folders.length}`);
}
