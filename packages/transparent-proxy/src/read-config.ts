// From documents, environment and flags to one configuration. Flags win over the environment, that over later documents, those over earlier
// ones, all of them over the defaults.
import { MeshError, parseYamlDocuments, suggestionFor, type Violation } from '@ursa/resources';
import type { ConfigField } from './config-field.ts';
import { type ConfigName, configFields, environmentPrefix, type TransparentProxyConfig } from './config-fields.ts';

/** What one source says; absent fields are left to the sources before it. */
export type ConfigLayer = Partial<TransparentProxyConfig>;

const all: readonly (readonly [ConfigName, ConfigField<unknown>])[] = Object.entries(configFields) as never;
const byPath = new Map(all.map(([name, field]) => [field.path, [name, field] as const]));

/**
 * Reads one YAML or JSON document. Throws one `invalid` error with every wrong field at its line; unknown fields are wrong too. An empty text
 * says nothing.
 */
export function readConfigText(text: string, source: string): ConfigLayer {
  const documents = parseYamlDocuments(text, { source });
  if (documents.length > 1) throw new MeshError('invalid', `${source}: expected one document, got ${documents.length}`);
  const [document] = documents;
  if (document === undefined) return {};
  const violations: Violation[] = [];
  const layer = readObject(document.value, '', violations);
  if (violations.length === 0) return layer;
  const message = violations.map(({ field, message: what }) => document.describe(field, what)).join('\n');
  throw new MeshError('invalid', message);
}

function readObject(value: unknown, path: string, violations: Violation[]): ConfigLayer {
  if (value === null || value === undefined) return {};
  if (typeof value !== 'object' || Array.isArray(value)) {
    violations.push({ field: path, message: `expected fields, got ${JSON.stringify(value)}` });
    return {};
  }
  const layer: Partial<Record<ConfigName, unknown>> = {};
  for (const [key, content] of Object.entries(value)) {
    const place = path === '' ? key : `${path}.${key}`;
    const [name, field] = byPath.get(place) ?? [];
    if (name !== undefined && field !== undefined) {
      const read = content === null ? field.initial : field.fromValue(content);
      if (read !== undefined) layer[name] = read;
      else violations.push({ field: place, message: `expected ${field.expects}, got ${JSON.stringify(content)}` });
    } else if (childrenOf(place).length > 0) Object.assign(layer, readObject(content, place, violations));
    else violations.push({ field: place, message: `no such field; ${suggestionFor(key, childrenOf(path))}` });
  }
  return layer as ConfigLayer;
}

/** Names directly below a place. */
function childrenOf(path: string): readonly string[] {
  const below = path === '' ? '' : `${path}.`;
  const names = [...byPath.keys()].filter((known) => known.startsWith(below));
  return [...new Set(names.map((known) => known.slice(below.length).split('.')[0] ?? ''))];
}

/** Reads the variables `KUMA_TRANSPARENT_PROXY_…`; empty ones say nothing. Throws one `invalid` error with every wrong one. */
export function readConfigEnvironment(environment: Readonly<Record<string, string | undefined>>): ConfigLayer {
  const texts = new Map<ConfigName, readonly string[]>();
  for (const [name, { env }] of all) {
    const text = environment[environmentPrefix + env];
    if (text !== undefined && text !== '') texts.set(name, [text]);
  }
  return readTexts(texts, ({ env }) => environmentPrefix + env);
}

/** Reads flags: the texts given for each, in order. Throws one `invalid` error with every wrong one. */
export function readConfigFlags(flags: ReadonlyMap<ConfigName, readonly string[]>): ConfigLayer {
  return readTexts(flags, ({ flag }) => `--${flag}`);
}

function readTexts(
  texts: ReadonlyMap<ConfigName, readonly string[]>,
  sourceOf: (field: ConfigField<unknown>) => string,
): ConfigLayer {
  const violations: Violation[] = [];
  const layer: Partial<Record<ConfigName, unknown>> = {};
  for (const [name, list] of texts) {
    const field: ConfigField<unknown> = configFields[name];
    for (const text of list) {
      const value = field.fromText(text, layer[name]);
      if (value !== undefined) layer[name] = value;
      else violations.push({ field: sourceOf(field), message: `expected ${field.expects}, got "${text}"` });
    }
  }
  if (violations.length === 0) return layer as ConfigLayer;
  const message = violations.map(({ field, message: what }) => `${field}: ${what}`).join('\n');
  throw new MeshError('invalid', message);
}

/** Puts layers over the defaults, each over those before it. */
export function mergeConfig(layers: readonly ConfigLayer[]): TransparentProxyConfig {
  const merged: Partial<Record<ConfigName, unknown>> = {};
  for (const [name, field] of all) {
    let value: unknown = field.initial;
    for (const layer of layers) {
      const next: unknown = layer[name];
      if (next !== undefined) value = field.join === undefined ? next : field.join(value, next);
    }
    merged[name] = value;
  }
  return merged as TransparentProxyConfig;
}
