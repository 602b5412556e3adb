// From environment and flags to settings. Flags win over the environment, the environment over the defaults.
import { closestName, formatDuration, MeshError, type Violation } from '@ursa/resources';
import { parseAddresses } from '../bootstrap/several-addresses.ts';
import { definitions, type SettingName, type Settings } from './definitions.ts';
import type { Setting } from './setting.ts';

/** Settings, and which of them somebody gave. */
export interface ReadSettings {
  readonly settings: Settings;
  readonly given: ReadonlySet<SettingName>;
}

const all: readonly (readonly [SettingName, Setting<unknown>])[] = Object.entries(definitions) as never;

/**
 * Reads the settings. `flags` holds the texts given for each setting, in order. Throws one `invalid` error with every wrong value, named by
 * the flag or variable it came from.
 */
export function readSettings(
  flags: ReadonlyMap<SettingName, readonly string[]>,
  environment: NodeJS.ProcessEnv,
): ReadSettings {
  const violations: Violation[] = [];
  const given = new Set<SettingName>();
  const values: Partial<Record<SettingName, unknown>> = {};
  for (const [name, setting] of all) {
    const fromFlags = flags.get(name);
    const fromEnvironment = environment[setting.env];
    const texts = fromFlags ?? (fromEnvironment === undefined || fromEnvironment === '' ? [] : [fromEnvironment]);
    const source = fromFlags === undefined ? setting.env : `--${setting.flag}`;
    if (texts.length > 0) given.add(name);
    let value: unknown = setting.initial;
    for (const text of texts) {
      const next = setting.read(text, value);
      if (next === undefined) violations.push({ field: source, message: `expected ${setting.expects}, got "${text}"` });
      else value = next;
    }
    values[name] = value;
  }
  const settings = values as Settings;
  violations.push(...checkSettings(settings));
  if (violations.length > 0) throw new MeshError('invalid', formatViolations(violations), { violations });
  return { settings, given };
}

/** The effective configuration as the peer nests it; durations as text, secrets masked, empty texts left out. */
export function describeSettings(settings: Settings): Record<string, unknown> {
  const tree: Record<string, unknown> = {};
  for (const [name, setting] of all) {
    const value = settings[name];
    if (
      value === '' ||
      (Array.isArray(value) && value.length === 0) ||
      (isRecord(value) && Object.keys(value).length === 0)
    )
      continue;
    const shown =
      setting.secret === true ? '*****' : setting.placeholder === 'duration' ? formatDuration(Number(value)) : value;
    place(tree, setting.path.split('.'), shown);
  }
  return tree;
}

/** What was asked for and has no effect here: the flag or variable, and what does not happen. */
export function settingsWithoutEffect(
  given: ReadonlySet<SettingName>,
): readonly { readonly name: string; readonly reason: string }[] {
  return all.flatMap(([name, { flag, env, withoutEffect }]) =>
    given.has(name) && withoutEffect !== undefined
      ? [{ name: flag === undefined ? env : `--${flag}`, reason: withoutEffect }]
      : [],
  );
}

/** Names that are kuma-dp's alone, but for those that Kubernetes makes of a Service called kuma-control-plane. */
const ownVariable = /^KUMA_(?:DATAPLANE|CONTROL_PLANE)_(?!(?:SERVICE_HOST|SERVICE_PORT_\w+|PORT|PORT_\d+_\w+)$)/;

/** Variables that are no settings but look like one, and which. */
export function misspeltVariables(
  environment: NodeJS.ProcessEnv,
): readonly { readonly name: string; readonly meant: string }[] {
  const known = all.map(([, { env }]) => env);
  return Object.keys(environment)
    .filter((name) => ownVariable.test(name) && !known.includes(name))
    .sort()
    .flatMap((name) => {
      const meant = closestName(name, known);
      return meant === undefined ? [] : [{ name, meant }];
    });
}

/** Rules that a single value cannot say. */
function checkSettings(settings: Settings): readonly Violation[] {
  const violations: Violation[] = [];
  try {
    parseAddresses(settings.controlPlaneUrl);
  } catch (cause) {
    violations.push({ field: '--cp-address', message: (cause as Error).message });
  }
  if (settings.binaryPath === '') {
    violations.push({
      field: '--binary-path',
      message: "expected Envoy's executable, a path or a name to look up, got nothing; leave the flag out for envoy",
    });
  }
  if (settings.resource !== '' && settings.resourcePath !== '') {
    violations.push({
      field: '--dataplane',
      message: 'give the Dataplane either inline or with --dataplane-file, not both',
    });
  }
  if (settings.service !== '' && (settings.resource !== '' || settings.resourcePath !== '')) {
    violations.push({
      field: '--service',
      message:
        'the Dataplane is made from it, and --dataplane or --dataplane-file gives another; leave one of them out',
    });
  }
  if (settings.service !== '' && settings.proxyType !== 'dataplane')
    violations.push({ field: '--service', message: `a proxy of --proxy-type ${settings.proxyType} serves none` });
  if (settings.token !== '' && settings.tokenPath !== '') {
    violations.push({
      field: '--dataplane-token',
      message: 'give the token either inline or with --dataplane-token-file, not both',
    });
  }
  if (settings.tlsSkipVerify && (settings.caCert !== '' || settings.caCertFile !== '')) {
    violations.push({
      field: '--skip-verify',
      message: 'it contradicts the CA certificate that is given; leave one of them out',
    });
  }
  return violations;
}

function formatViolations(violations: readonly Violation[]): string {
  return violations.map(({ field, message }) => `${field}: ${message}`).join('\n');
}

function place(tree: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [first = '', ...rest] = path;
  if (rest.length === 0) {
    tree[first] = value;
    return;
  }
  const known = tree[first];
  const inner = isRecord(known) ? known : {};
  tree[first] = inner;
  place(inner, rest, value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
