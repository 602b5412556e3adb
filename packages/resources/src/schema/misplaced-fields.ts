// Where a field that is unknown at its place is known: wrong indentation is the mistake that a list of names does not help with.
import type { Findings } from './findings.ts';
import { joinField } from './findings.ts';
import type { SchemaNode } from './schema-node.ts';

/** Names of properties on the way from the root of a schema to an object; `[]` stands for the items of a list. */
type SchemaPath = readonly string[];

const mostPlaces = 3;

/**
 * Adds to each unknown field among the findings from `start` on which objects of the schema have a field of that name: those around the
 * object that it was found in, or inside of it; another one only when there is no second. Fields start at the schema's root.
 */
export function addPlaces(schema: SchemaNode, findings: Findings, start: number): void {
  for (let index = start; index < findings.length; index++) {
    const finding = findings[index];
    if (finding === undefined || !finding.message.startsWith('unknown field; ')) continue;
    const steps = stepsOf(finding.field);
    const name = steps.pop() ?? '';
    const places = placesFor(steps, ownersOf(schema).get(name) ?? []);
    if (places.length === 0) continue;
    const hint = `${JSON.stringify(name)} belongs into ${places.join(' or ')}`;
    const mark = finding.message.endsWith('?') ? '' : ';';
    findings[index] = { ...finding, message: `${finding.message}${mark} ${hint}` };
  }
}

/** `to[0].default` → to, [0], default */
function stepsOf(field: string): string[] {
  return field.match(/\[[^\]]*\]|[^.[\]]+/g) ?? [];
}

function placesFor(found: readonly string[], owners: readonly SchemaPath[]): readonly string[] {
  const related = owners.filter((owner) => {
    const shared = sharedSteps(found, owner);
    return owner.length > 0 && (shared === owner.length || shared === found.length);
  });
  const chosen = related.length > 0 ? related : owners.length === 1 ? owners : [];
  if (chosen.length > mostPlaces) return [];
  return chosen.map((owner) => formatPlace(found, owner));
}

function sharedSteps(found: readonly string[], owner: SchemaPath): number {
  let count = 0;
  while (count < owner.length && count < found.length && fits(found[count] ?? '', owner[count] ?? '')) count++;
  return count;
}

const fits = (step: string, known: string): boolean => step === known || (known === '[]' && step.startsWith('['));

/** With the indexes of the document as far as both go the same way. */
function formatPlace(found: readonly string[], owner: SchemaPath): string {
  const shared = sharedSteps(found, owner);
  return [...found.slice(0, shared), ...owner.slice(shared)].reduce((place, step) => joinField(place, step), '');
}

const owners = new WeakMap<SchemaNode, ReadonlyMap<string, readonly SchemaPath[]>>();

/** For each property of a schema the objects that have it; looked for once, when the first field is misplaced. */
function ownersOf(schema: SchemaNode): ReadonlyMap<string, readonly SchemaPath[]> {
  let known = owners.get(schema);
  if (known === undefined) {
    const found = new Map<string, SchemaPath[]>();
    collectOwners(schema, [], found);
    known = found;
    owners.set(schema, known);
  }
  return known;
}

function collectOwners(schema: SchemaNode, path: SchemaPath, found: Map<string, SchemaPath[]>): void {
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const paths = found.get(name) ?? [];
    paths.push(path);
    found.set(name, paths);
    collectOwners(property, [...path, name], found);
  }
  if (schema.items !== undefined) collectOwners(schema.items, [...path, '[]'], found);
  for (const option of schema.anyOf ?? []) collectOwners(option, path, found);
}
