// Conditions of roles (`when`): whether a resource, or a data plane token, is among those that a rule is about. Pure.
import type { AccessQualifier, Labels } from '@ursa/resources';

/** The parts of a resource that conditions look at; which of them it has depends on its type. */
interface Sections {
  readonly targetRef?: Reference;
  readonly from?: readonly Entry[];
  readonly to?: readonly Entry[];
  readonly rules?: readonly unknown[];
  readonly sources?: readonly Selector[];
  readonly destinations?: readonly Selector[];
  readonly selectors?: readonly Selector[];
}
interface Entry {
  readonly targetRef?: Reference;
}
interface Reference {
  readonly kind?: string | undefined;
  readonly tags?: Labels;
  readonly labels?: Labels;
  readonly proxyTypes?: readonly string[];
  readonly [field: string]: unknown;
}
interface Selector {
  readonly match?: Labels;
}

/**
 * Whether one of the conditions holds for a resource. The entries of `from` and `to` may be let through by different conditions: each needs one.
 * A condition that names a section of entries speaks of that section only; what else the policy has needs a condition of its own.
 */
export function holdsForResource(conditions: readonly AccessQualifier[], spec: unknown): boolean {
  const sections: Sections = typeof spec === 'object' && spec !== null ? spec : {};
  const older = conditions.some((condition) => isOlder(condition) && fitsOlder(condition, sections));
  if (older) return true;
  const applicable = conditions.filter(
    (condition) => isOfTargets(condition) && fitsTarget(condition.targetRef, topOf(sections)),
  );
  const covers = (section: 'from' | 'to', entry: Entry): boolean =>
    applicable.some(({ from, to }) => {
      const asked = section === 'from' ? from : to;
      return asked === undefined
        ? from === undefined && to === undefined
        : fitsTarget(asked.targetRef, entry.targetRef ?? mesh);
    });
  const { from = [], to = [], rules = [] } = sections;
  const isWhole = from.length === 0 && to.length === 0;
  if (isWhole || rules.length > 0) {
    if (!applicable.some((condition) => condition.from === undefined && condition.to === undefined)) return false;
  }
  return from.every((entry) => covers('from', entry)) && to.every((entry) => covers('to', entry));
}

/** Whether one of the conditions holds for a data plane token: all its tags have to be among those that it names. */
export function holdsForToken(
  conditions: readonly AccessQualifier[],
  tags: Readonly<Record<string, readonly string[]>>,
): boolean {
  return conditions.some(({ dpToken, ...others }) => {
    if (dpToken === undefined || Object.values(others).some((other) => other !== undefined)) return false;
    return (dpToken.tags ?? []).every(({ name }) => {
      const allowed = (dpToken.tags ?? []).filter((tag) => tag.name === name).map(({ value }) => value);
      const asked = Object.hasOwn(tags, name) ? (tags[name] ?? []) : [];
      // A token without the tag is good for every value of it.
      return asked.length > 0 && asked.every((value) => allowed.includes(value));
    });
  });
}

const mesh: Reference = { kind: 'Mesh' };

function topOf({ targetRef }: Sections): Reference {
  return targetRef ?? mesh;
}

function isOfTargets({ targetRef, from, to, ...others }: AccessQualifier): boolean {
  const isNamed = targetRef !== undefined || from !== undefined || to !== undefined;
  return isNamed && Object.values(others).every((other) => other === undefined);
}

function isOlder({ sources, destinations, selectors, ...others }: AccessQualifier): boolean {
  const isNamed = sources !== undefined || destinations !== undefined || selectors !== undefined;
  return isNamed && Object.values(others).every((other) => other === undefined);
}

function fitsOlder(condition: AccessQualifier, sections: Sections): boolean {
  return (['sources', 'destinations', 'selectors'] as const).every((name) => {
    const asked = condition[name];
    if (asked === undefined) return true;
    const selectors = sections[name] ?? [];
    return selectors.length > 0 && selectors.every(({ match = {} }) => includes(match, asked.match ?? {}));
  });
}

/** A reference fits when it says all that is asked; it may say more, which only makes it narrower. */
function fitsTarget(asked: AccessQualifier['targetRef'], actual: Reference): boolean {
  if (asked === undefined) return true;
  const { kind, tags = {}, labels = {}, proxyTypes = [], ...fields } = asked;
  if ((actual.kind ?? 'Mesh') !== kind) return false;
  if (!includes(actual.tags ?? {}, tags) || !includes(actual.labels ?? {}, labels)) return false;
  if (proxyTypes.length > 0) {
    const actualTypes = actual.proxyTypes ?? [];
    if (actualTypes.length === 0 || !actualTypes.every((type) => proxyTypes.some((allowed) => allowed === type)))
      return false;
  }
  return Object.entries(fields).every(([field, value]) => value === undefined || actual[field] === value);
}

function includes(actual: Labels, asked: Labels): boolean {
  return Object.entries(asked).every(([name, value]) => Object.hasOwn(actual, name) && actual[name] === value);
}
