// Values whose shape no schema says (plugin configuration, raw Envoy snippets): still bounded in depth and free of dangerous keys.
import { addFinding, type Findings, prefixField, prefixIndex } from './findings.ts';

/** How deep a document may be nested. Real ones stay below 20. */
export const maximumDepth = 64;

/** Keys that could reach an object's prototype when a careless reader copies them. */
const dangerousKeys: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** True for a key that is never accepted, whatever the schema says. */
export function isDangerousKey(key: string): boolean {
  return dangerousKeys.has(key);
}

/** Copies a value of any shape; `null` properties are left out. Reports what is too deep and keys that are never accepted. */
export function copyFreeValue(value: unknown, findings: Findings, depth = 0): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth > maximumDepth) {
    addFinding(findings, `is nested more than ${maximumDepth} levels deep`);
    return undefined;
  }
  if (Array.isArray(value)) return value.map((item, index) => copyItem(item, index, findings, depth));
  const copy: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    if (isDangerousKey(key)) {
      addFinding(findings, 'this key is never accepted', key);
      continue;
    }
    const start = findings.length;
    if (item !== null) copy[key] = copyFreeValue(item, findings, depth + 1);
    if (findings.length > start) prefixField(findings, start, key);
  }
  return copy;
}

function copyItem(item: unknown, index: number, findings: Findings, depth: number): unknown {
  const start = findings.length;
  const copy = copyFreeValue(item, findings, depth + 1);
  if (findings.length > start) prefixIndex(findings, start, index);
  return copy;
}
