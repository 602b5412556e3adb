// Tells "no such path" (404) from "not with this method" (405). Asked only when no route took a request.

/** A function that says whether a path, without query, fits any of the patterns (`/meshes/{mesh}`). */
export function createPathMatcher(patterns: readonly string[]): (path: string) => boolean {
  const bySegments = new Map<number, (readonly string[])[]>();
  for (const pattern of new Set(patterns)) {
    const segments = split(pattern);
    const sameLength = bySegments.get(segments.length) ?? [];
    sameLength.push(segments);
    bySegments.set(segments.length, sameLength);
  }
  return (path) => {
    const segments = split(path);
    return (bySegments.get(segments.length) ?? []).some((pattern) =>
      pattern.every((expected, position) => expected.startsWith('{') || expected === segments[position]),
    );
  };
}

function split(path: string): readonly string[] {
  return path.replace(/^\/|\/$/g, '').split('/');
}
