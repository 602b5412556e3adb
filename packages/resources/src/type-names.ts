// One name in, all forms out: `MeshTimeout` → meshtimeouts, meshtimeout, "Mesh Timeout", kuma.io_meshtimeouts.

/** Every form in which a resource type is named. */
export interface TypeNames {
  /** `MeshTimeout` */
  readonly name: string;
  /** REST path, plural: `meshtimeouts`. */
  readonly path: string;
  /** Hyphenated plural, accepted in paths for types that once had it: `mesh-timeouts`. */
  readonly hyphenatedPath: string;
  /** As typed at a command line: `meshtimeout`. */
  readonly singular: string;
  /** `meshtimeouts` */
  readonly plural: string;
  /** "Mesh Timeout" */
  readonly singularDisplayName: string;
  /** "Mesh Timeouts" */
  readonly pluralDisplayName: string;
  /** File name of the Kubernetes definition: `kuma.io_meshtimeouts`. */
  readonly definitionName: string;
}

/** How the REST path is written: joined (`meshtimeouts`), or hyphenated as the oldest types are (`circuit-breakers`). */
export type PathStyle = 'joined' | 'hyphenated';

/** All forms of a type's name. */
export function typeNames(name: string, pathStyle: PathStyle = 'joined'): TypeNames {
  const words = splitWords(name);
  const hyphenated = words.join('-').toLowerCase();
  const joined = words.join('').toLowerCase();
  const singular = pathStyle === 'joined' ? joined : hyphenated;
  const path = pluralOf(singular);
  return {
    name,
    path,
    hyphenatedPath: pluralOf(hyphenated),
    singular,
    plural: path,
    singularDisplayName: words.join(' '),
    pluralDisplayName: pluralOf(words.join(' ')),
    definitionName: `kuma.io_${pluralOf(joined)}`,
  };
}

/** `MeshHTTPRoute` → Mesh, HTTP, Route. Brand names stay whole. */
function splitWords(name: string): string[] {
  return name.match(/OpenTelemetry|[A-Z]+(?![a-z])|[A-Z][a-z0-9]*/g) ?? [name];
}

function pluralOf(singular: string): string {
  if (/[^aeiou]y$/.test(singular)) return `${singular.slice(0, -1)}ies`;
  return /(s|S|x|ch|sh)$/.test(singular) ? `${singular}es` : `${singular}s`;
}
