// What a patch does that is more than shaping traffic. Looks at the text as data, in either spelling of names, before any of it becomes a message.
import { legacyNames, unifiedNames } from '@ursa/envoy';
import type { Hazard, HazardKind } from '@ursa/policy';
import { parseYamlDocuments } from '@ursa/resources';
import type { Modification, ProxyPatchConf } from './proxy-patch-conf.ts';

type Found = Pick<Hazard, 'kind' | 'what'>;

const hostFields = new Set(['filename', 'environmentVariable', 'watchedDirectory', 'pipe', 'pathConfigSource']);
const adminClusters = new Set([legacyNames.admin, unifiedNames.admin]);
const codeTypes = /\.(?:lua|wasm|golang|dynamic_modules)\./;
const standardStreams = new Set(['/dev/stdout', '/dev/stderr', '/dev/null']);
const internalAddress = /^(?:127\.|169\.254\.|0\.0\.0\.0$|::1?$|fe80:|localhost$|metadata\.)/i;
const guardFilter = /rbac|ext_authz|jwt_authn/;

/** The hazards of a conf. */
export function patchHazards({ appendModifications = [] }: ProxyPatchConf): readonly Hazard[] {
  return appendModifications.flatMap((modification, index) =>
    hazardsOf(modification).map(({ field, ...found }) => ({
      ...found,
      field: `default.appendModifications[${index}].${field}`,
    })),
  );
}

function hazardsOf(modification: Modification): readonly Hazard[] {
  const [kind] = Object.keys(modification) as (keyof Modification)[];
  const change = kind === undefined ? undefined : modification[kind];
  if (kind === undefined || change === undefined) return [];
  const hazards: Hazard[] = [];
  const add = (field: string, found: readonly Found[]): void => {
    hazards.push(...found.map((each) => ({ ...each, field: `${kind}.${field}` })));
  };
  if (isFilter(kind) && takesGuard(change)) add('match.name', [{ kind: 'authorization', what: change.operation }]);
  if (change.value !== undefined) add('value', inValue('', parsedOrNothing(change.value)));
  for (const [index, { op, path, value }] of (change.jsonPatches ?? []).entries()) {
    const field = `jsonPatches[${index}]`;
    const steps = path.split('/');
    if (kind === 'listener' && op !== 'add' && steps.some((step) => /filter/i.test(step)))
      add(`${field}.path`, [{ kind: 'authorization', what: path }]);
    add(`${field}.value`, inValue(steps.at(-1) ?? '', value));
  }
  // A listener's address is where it listens, not where it sends to.
  return kind === 'listener' ? hazards.filter((hazard) => hazard.kind !== 'internal') : hazards;
}

const isFilter = (kind: keyof Modification): boolean => kind === 'networkFilter' || kind === 'httpFilter';

/** Whether a guard is removed or rewritten, by its name or with all others. */
function takesGuard({
  operation,
  match,
}: {
  readonly operation: string;
  readonly match?: { readonly name?: string };
}): boolean {
  if (operation !== 'Remove' && operation !== 'Patch') return false;
  return match?.name === undefined || guardFilter.test(match.name);
}

/** What is wrong with the text is said by others. */
function parsedOrNothing(text: string): unknown {
  try {
    return parseYamlDocuments(text, { source: 'value' })[0]?.value;
  } catch {
    return undefined;
  }
}

function inValue(key: string, value: unknown, typeUrl = ''): readonly Found[] {
  const name = key.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
  const own = ofField(name, value, typeUrl).map((kind) => ({ kind, what: key }));
  if (typeof value !== 'object' || value === null) return own;
  const type = String(Reflect.get(value, '@type') ?? typeUrl);
  const code: Found[] = '@type' in value && codeTypes.test(type) ? [{ kind: 'code', what: type }] : [];
  const inner = Object.entries(value).flatMap(([step, item]) => inValue(Array.isArray(value) ? key : step, item, type));
  return [...own, ...code, ...inner];
}

function ofField(name: string, value: unknown, typeUrl: string): readonly HazardKind[] {
  if (hostFields.has(name)) return ['host'];
  if (typeof value !== 'string') return [];
  if (name === 'path' && typeUrl.endsWith('.FileAccessLog') && !standardStreams.has(value)) return ['host'];
  if (name === 'cluster' && adminClusters.has(value)) return ['admin'];
  if (name === 'address' && internalAddress.test(value)) return ['internal'];
  return [];
}
