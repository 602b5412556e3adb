// Documents of files as resource drafts, each with its place in the text, so that findings can name file, line and column.
import { type Finding, finding } from '@ursa/engine';
import {
  MeshError,
  type ParsedDocument,
  parseResource,
  parseYamlDocuments,
  type ResourceDraft,
  type ResourceKey,
  type ResourceTypes,
} from '@ursa/resources';
import type { Pair } from '../flags.ts';
import { readSources } from '../read-sources.ts';
import { renderVariables } from '../template-variables.ts';
import type { Terminal } from '../terminal.ts';

/** A place in a file; lines and columns from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** A finding with its place, where it has one. */
export interface PlacedFinding extends Finding {
  readonly place?: Place;
}

/** What stands in the files. */
export interface Drafts {
  readonly drafts: readonly ResourceDraft[];
  /** What is wrong with single documents: broken rules, forms that will go away, the same resource twice. */
  readonly findings: readonly PlacedFinding[];
  /** Adds the place of the resource's field to a finding. */
  locate(found: Finding): PlacedFinding;
}

interface Located {
  readonly document: ParsedDocument;
  readonly file: string;
}

const keyOf = ({ type, mesh, name }: ResourceKey) => `${type}/${mesh}/${name}`;

/** Reads files, folders, addresses and standard input. Throws `MeshError` for what cannot be read at all. */
export async function readDrafts(
  places: readonly string[],
  terminal: Terminal,
  types: ResourceTypes,
  options: { readonly mesh: string; readonly variables: readonly Pair[] },
): Promise<Drafts> {
  const drafts = new Map<string, ResourceDraft>();
  const located = new Map<string, Located>();
  const findings: PlacedFinding[] = [];
  const placeOf = ({ document, file }: Located, field: string): Place => ({ file, ...document.positionOf(field) });
  for (const place of places) {
    for (const { name: file, text } of await readSources(place, terminal)) {
      for (const document of parseYamlDocuments(renderVariables(text, options.variables, file), { source: file })) {
        const at = { document, file };
        try {
          const draft = parseResource(types, withMesh(document.value, options.mesh, types));
          const key = keyOf(draft);
          if (drafts.has(key)) findings.push({ ...duplicate(draft), place: placeOf(at, 'name') });
          drafts.set(key, draft);
          located.set(key, at);
          for (const found of warningsOf(types, draft)) findings.push({ ...found, place: placeOf(at, '') });
        } catch (error) {
          if (!(error instanceof MeshError)) throw error;
          const violations = error.violations.length > 0 ? error.violations : [{ field: '', message: error.message }];
          for (const { field, message } of violations) {
            const text = `${field === '' ? '' : `${field}: `}${message}`;
            const found = finding('invalid', text, 'correct the field; docs/reference/resources.md has its shape');
            findings.push({ ...found, place: placeOf(at, field) });
          }
        }
      }
    }
  }
  return {
    drafts: [...drafts.values()],
    findings,
    locate(found) {
      const at = found.resource && located.get(keyOf(found.resource));
      return at === undefined ? found : { ...found, place: placeOf(at, found.field ?? '') };
    },
  };
}

function duplicate(draft: ResourceDraft): Finding {
  const message = `${draft.type} ${draft.name} stands in these files twice: the later one counts`;
  return finding('duplicate-resource', message, 'remove or rename one of them', draft);
}

function warningsOf(types: ResourceTypes, draft: ResourceDraft): readonly Finding[] {
  const type = types.byName(draft.type);
  const context = { mesh: draft.mesh, name: draft.name, labels: draft.labels };
  const warnings = (type?.warn?.(draft.spec as never, context) ?? []).map((warning) => {
    const message = `${draft.type} ${draft.name}: ${warning}`;
    // The peer's own warnings, all of them about forms that will go away, say so in these words.
    return /\bdeprecated\b/.test(warning)
      ? finding('deprecated', message, 'use the newer form', draft)
      : finding('doubtful', message, 'correct the field, or leave it out', draft);
  });
  if (type?.idle?.when === 'not-yet') {
    const message = `${draft.type} ${draft.name} has no effect yet`;
    return [...warnings, finding('doubtful', message, type.idle.advice, draft)];
  }
  // Whether the others have an effect, their mesh decides.
  if (type?.idle?.when !== 'always') return warnings;
  const message = `${draft.type} ${draft.name} is a policy of the older kind, with sources and destinations: proxies do not follow it`;
  return [...warnings, finding('older-policy', message, `replace it: ${type.idle.advice}`, draft)];
}

function withMesh(value: unknown, mesh: string, types: ResourceTypes): unknown {
  if (typeof value !== 'object' || value === null || !('type' in value) || 'mesh' in value) return value;
  const type = typeof value.type === 'string' ? types.byName(value.type) : undefined;
  return type?.scope === 'Mesh' ? { ...value, mesh } : value;
}
