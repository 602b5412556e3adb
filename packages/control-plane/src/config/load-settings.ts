// From a file and the environment to settings. Whatever is unknown or wrong is refused by name, all of it at once.
import { closestName, MeshError, type Violation } from '@ursa/resources';
import { parseDocument } from 'yaml';

import {
  environmentName,
  hasFormerNamesBelow,
  isForeignName,
  renamedNames,
  replacedNames,
  retiredNames,
} from './foreign-keys.ts';
import { type Raw, type Setting, SettingError } from './setting.ts';
import { type Settings, settingsTable } from './settings.ts';
import { mapSettings, walkSettings } from './walk-settings.ts';

/** Where settings come from. */
export interface SettingsSources {
  /** Content of the file of `-c`, and its name for messages. */
  readonly file?: { readonly name: string; readonly text: string };
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Settings, and what the user should know about how they were given. */
export interface LoadedSettings {
  readonly settings: Settings;
  readonly warnings: readonly string[];
}

/**
 * Settings from the defaults, then the file, then the environment; the later wins. Errors: `MeshError('invalid')` that lists every
 * unknown key (with the one it may stand for) and every value that cannot be, by its name.
 */
export function loadSettings(sources: SettingsSources): LoadedSettings {
  const violations: Violation[] = [];
  const warnings: string[] = [];
  const values = new Map<string, unknown>();
  if (sources.file !== undefined) readFile(sources.file, values, violations, warnings);
  readEnvironment(sources.env, values, violations, warnings);
  if (violations.length > 0) {
    const lines = violations.map(({ field, message }) => `  ${field}: ${message}`).join('\n');
    throw new MeshError('invalid', `the settings are not valid:\n${lines}`, { violations });
  }
  const settings = mapSettings(settingsTable, ({ path, setting }) =>
    values.has(path) ? values.get(path) : setting.default,
  );
  return { settings: settings as Settings, warnings };
}

/** The defaults, with some of them changed: for tests and tools. Keys are paths in the file: `apiServer.http.port`. */
export function defaultSettings(changes: Readonly<Record<string, unknown>> = {}): Settings {
  const known = new Set([...walkSettings(settingsTable)].map(({ path }) => path));
  const unknown = Object.keys(changes).find((path) => !known.has(path));
  if (unknown !== undefined) throw new MeshError('invalid', `there is no setting ${unknown}`);
  return mapSettings(settingsTable, ({ path, setting }) =>
    path in changes ? changes[path] : setting.default,
  ) as Settings;
}

type Violations = Violation[];

function readFile(
  file: { readonly name: string; readonly text: string },
  values: Map<string, unknown>,
  violations: Violations,
  warnings: string[],
): void {
  const document = parseDocument(file.text, { schema: 'core', merge: false, uniqueKeys: true });
  const problem = document.errors[0];
  if (problem !== undefined) {
    violations.push({ field: file.name, message: problem.message });
    return;
  }
  const content: unknown = document.toJS({ maxAliasCount: 0 });
  if (content === null || content === undefined) return;
  readBranch(content as Raw, '', { ...fileIndex(), values, violations, warnings });
}

interface FileReading {
  readonly leaves: ReadonlyMap<string, Setting<unknown>>;
  readonly branches: ReadonlySet<string>;
  readonly values: Map<string, unknown>;
  readonly violations: Violations;
  readonly warnings: string[];
}

function fileIndex(): Pick<FileReading, 'leaves' | 'branches'> {
  const leaves = new Map<string, Setting<unknown>>();
  const branches = new Set<string>();
  for (const { path, setting } of walkSettings(settingsTable)) {
    leaves.set(path, setting);
    const parts = path.split('.');
    for (let length = 1; length < parts.length; length++) branches.add(parts.slice(0, length).join('.'));
  }
  return { leaves, branches };
}

function readBranch(node: Raw, prefix: string, reading: FileReading): void {
  if (node === null) return;
  if (typeof node !== 'object' || Array.isArray(node)) {
    reading.violations.push({
      field: prefix === '' ? 'the file' : prefix,
      message: 'expected names with values below it',
    });
    return;
  }
  for (const [key, value] of Object.entries(node)) {
    const path = prefix === '' ? key : `${prefix}.${key}`;
    const setting = reading.leaves.get(path);
    if (setting !== undefined) readLeaf(path, path, setting, () => setting.fromYaml(value), reading);
    else if (reading.branches.has(path)) readBranch(value, path, reading);
    else if (!isProductSection(path)) readFormerKey(path, value, reading);
    else reading.warnings.push(`${path} has no effect: it belongs to a feature that is not built yet`);
  }
}

/** A key that is none today: files of older versions have some that are told apart from mistakes as their names in the environment are. */
function readFormerKey(path: string, value: Raw, reading: FileReading): void {
  const { leaves, violations, warnings } = reading;
  const name = environmentName(path);
  const today = renamedNames[name];
  const [todayPath, setting] = [...leaves].find(([, { env }]) => env !== undefined && env === today) ?? [];
  if (todayPath !== undefined && setting !== undefined) {
    warnings.push(`${path} is deprecated: use ${todayPath}`);
    readLeaf(path, todayPath, setting, () => setting.fromYaml(value), reading);
  } else if (retiredNames[name] !== undefined) warnings.push(`${path} has no effect: ${retiredNames[name]}`);
  else if (replacedNames[name] !== undefined)
    violations.push({ field: path, message: `is not known any more: ${replacedNames[name]}` });
  else if (hasFormerNamesBelow(name) && typeof value === 'object') readBranch(value, path, reading);
  else violations.push({ field: path, message: unknownKey(path, reading) });
}

/** Sections that the commercial distribution of the peer adds; reference s17. Of the one that is known here every key is. */
function isProductSection(path: string): boolean {
  return path.startsWith('kmesh.') && !path.startsWith('kmesh.access.');
}

function unknownKey(path: string, { leaves, branches }: FileReading): string {
  const depth = path.split('.').length;
  const siblings = [...leaves.keys(), ...branches].filter((candidate) => candidate.split('.').length === depth);
  return unknownText('unknown key', closestName(path, siblings) ?? closestName(path, [...leaves.keys()]));
}

function unknownText(what: string, meant: string | undefined): string {
  return meant === undefined
    ? `${what}; all keys are listed in docs/reference/settings.md`
    : `${what}; did you mean ${meant}?`;
}

type LeafReading = Pick<FileReading, 'values' | 'violations' | 'warnings'>;

function readLeaf(
  shown: string,
  path: string,
  setting: Setting<unknown>,
  read: () => unknown,
  { values, violations, warnings }: LeafReading,
): void {
  try {
    values.set(path, read());
  } catch (error) {
    if (!(error instanceof SettingError)) throw error;
    // What was given may be a secret: then only the expectation is told.
    violations.push({ field: shown, message: setting.secret ? `expected ${setting.expected}` : error.message });
  }
  if (setting.deprecated !== undefined) warnings.push(`${shown} is deprecated: ${setting.deprecated}`);
}

function readEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  values: Map<string, unknown>,
  violations: Violations,
  warnings: string[],
): void {
  const byName = new Map(
    [...walkSettings(settingsTable)].flatMap((placed) =>
      placed.setting.env === undefined ? [] : [[placed.setting.env, placed] as const],
    ),
  );
  for (const [name, text] of Object.entries(env).sort(([left], [right]) => (left < right ? -1 : 1))) {
    if (text === undefined) continue;
    if (name.startsWith('KMESH_') && !byName.has(name)) {
      warnings.push(`${name} has no effect: it belongs to a feature that is not built yet or not needed here`);
      continue;
    }
    if (!name.startsWith('KUMA_') && !byName.has(name)) continue;
    const renamed = renamedNames[name];
    const placed = byName.get(name) ?? (renamed === undefined ? undefined : byName.get(renamed));
    if (placed !== undefined) {
      if (renamed !== undefined) warnings.push(`${name} is deprecated: use ${renamed}`);
      const { path, setting } = placed;
      readLeaf(name, path, setting, () => setting.fromText(text), { values, violations, warnings });
    } else if (retiredNames[name] !== undefined) {
      warnings.push(`${name} has no effect: ${retiredNames[name]}`);
    } else if (replacedNames[name] !== undefined) {
      violations.push({ field: name, message: `is not known any more: ${replacedNames[name]}` });
    } else if (!isForeignName(name, text)) {
      violations.push({
        field: name,
        message: unknownText('unknown name in the environment', closestName(name, [...byName.keys()])),
      });
    }
  }
}
