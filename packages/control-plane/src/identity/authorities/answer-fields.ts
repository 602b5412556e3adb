// Reads values out of answers whose shape is up to somebody else.

/** A text within an answer; '' when it is not there. */
export function textIn(value: unknown, ...path: readonly string[]): string {
  const found = path.reduce<unknown>(fieldOf, value);
  return typeof found === 'string' ? found : '';
}

/** A number within an answer; 0 when it is not there. */
export function numberIn(value: unknown, ...path: readonly string[]): number {
  const found = path.reduce<unknown>(fieldOf, value);
  return typeof found === 'number' ? found : 0;
}

/** The texts of a list within an answer. */
export function textsIn(value: unknown, ...path: readonly string[]): readonly string[] {
  const found = path.reduce<unknown>(fieldOf, value);
  return Array.isArray(found) ? found.filter((item) => typeof item === 'string') : [];
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
