// Fields of a conf, flat: for telling in words what a conf says, and which of its fields others have overridden.
import type { Protocol } from '@ursa/envoy';
import type { EffectiveOn } from './authorization.ts';

/** Values of a conf by path, such as `http.requestTimeout`. Lists are values. */
export function confFields(conf: unknown, path = ''): ReadonlyMap<string, unknown> {
  if (typeof conf !== 'object' || conf === null || Array.isArray(conf))
    return new Map(path === '' ? [] : [[path, conf]]);
  const within = path === '' ? '' : `${path}.`;
  return new Map(Object.entries(conf).flatMap(([key, value]) => [...confFields(value, `${within}${key}`)]));
}

/** Fields that `merged` has with the same value: those in which the conf was not overridden. */
export function keptFields(conf: unknown, merged: unknown): readonly string[] {
  const result = confFields(merged);
  const isKept = ([path, value]: readonly [string, unknown]) => {
    const kept = result.get(path);
    if (!Array.isArray(kept) || !Array.isArray(value)) return JSON.stringify(kept) === JSON.stringify(value);
    const items = new Set(kept.map((item) => JSON.stringify(item)));
    return value.some((item) => items.has(JSON.stringify(item)));
  };
  return [...confFields(conf)].filter(isKept).map(([path]) => path);
}

/** Fields of a conf that have no effect on a protocol. */
export function idleFields(conf: unknown, protocol: Protocol, effectiveOn: EffectiveOn = {}): readonly string[] {
  return [...confFields(conf).keys()].filter((path) => {
    const rule = Object.keys(effectiveOn).find((field) => path === field || path.startsWith(`${field}.`));
    return rule !== undefined && effectiveOn[rule]?.includes(protocol) === false;
  });
}
