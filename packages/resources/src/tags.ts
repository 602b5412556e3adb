// Rules for tags, on proxies and in the selectors of the older policies. The texts are those of the peers.
import { tagNames } from './label-names.ts';
import type { TagSelector } from './schema/shapes.ts';
import type { ViolationList } from './violations.ts';

const tagName = /^[a-zA-Z0-9.\-_:/]*$/;
const tagValue = /^[a-zA-Z0-9.\-_:]*$/;

/** What one place demands of tags. */
export interface TagRules {
  readonly atLeastOne?: boolean;
  readonly service?: boolean;
  /** `*` matches every value. */
  readonly wildcard?: boolean;
  /** Values of any characters. */
  readonly freeValues?: boolean;
}

/** Checks tags by name and value, keys in alphabetical order. */
export function checkTags(
  violations: ViolationList,
  field: string,
  tags: Readonly<Record<string, string>> | undefined,
  rules: TagRules = {},
): void {
  const keys = Object.keys(tags ?? {}).sort();
  if (rules.atLeastOne === true && keys.length === 0) violations.add(field, 'must have at least one tag');
  for (const key of keys) {
    const value = tags?.[key] ?? '';
    if (key === '') violations.add(field, 'tag name must be non-empty');
    if (!tagName.test(key)) {
      violations.addKey(
        field,
        key,
        'tag name must consist of alphanumeric characters, dots, dashes, slashes and underscores',
      );
    }
    if (value === '') violations.addKey(field, key, 'tag value must be non-empty');
    if (rules.freeValues === true || tagValue.test(value) || (rules.wildcard === true && value === '*')) continue;
    const orWildcard = rules.wildcard === true ? ' or be "*"' : '';
    violations.addKey(
      field,
      key,
      `tag value must consist of alphanumeric characters, dots, dashes and underscores${orWildcard}`,
    );
  }
  if (rules.service === true && tags?.[tagNames.service] === undefined) {
    violations.add(field, `mandatory tag "${tagNames.service}" is missing`);
  }
}

/** Checks a list of selectors, which must not be empty. */
export function checkSelectors(
  violations: ViolationList,
  field: string,
  selectors: readonly TagSelector[] | undefined,
  rules: TagRules = { atLeastOne: true },
): void {
  if (selectors === undefined || selectors.length === 0) violations.add(field, 'must have at least one element');
  for (const [index, selector] of (selectors ?? []).entries()) {
    checkTags(violations, `${field}[${index}].match`, selector.match, { wildcard: true, ...rules });
  }
}

/** Checks selectors that may name a service and nothing else. */
export function checkServiceSelectors(
  violations: ViolationList,
  field: string,
  selectors: readonly TagSelector[] | undefined,
): void {
  checkSelectors(violations, field, selectors, { service: true });
  for (const [index, { match = {} }] of (selectors ?? []).entries()) {
    const place = `${field}[${index}].match`;
    const keys = Object.keys(match).sort();
    if (keys.length !== 1 || keys[0] !== tagNames.service) {
      violations.add(place, `must consist of exactly one tag "${tagNames.service}"`);
    }
    for (const key of keys) if (key !== tagNames.service) violations.addKey(place, key, `tag "${key}" is not allowed`);
  }
}
