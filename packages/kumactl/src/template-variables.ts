// Variables in applied files: `{{ name }}` is replaced by `-v name=value`. Expressions of hostname generators (`{{ .Name }}`) are left alone.
import { MeshError } from '@ursa/resources';
import type { Pair } from './flags.ts';

const variable = /\{\{\s*([A-Za-z_][\w-]*(?:\.[\w-]+)*)\s*\}\}/g;

/**
 * Replaces the variables. Without any `-v` the text is left as it is. Errors name every variable that has no value, with its line.
 */
export function renderVariables(text: string, values: readonly Pair[], source: string): string {
  if (values.length === 0) return text;
  const known = new Map(values);
  const missing: string[] = [];
  const rendered = text
    .split('\n')
    .map((line, index) =>
      line.replace(variable, (whole: string, name: string) => {
        const value = known.get(name);
        if (value === undefined) missing.push(`${name} (line ${index + 1})`);
        return value ?? whole;
      }),
    )
    .join('\n');
  if (missing.length > 0)
    throw new MeshError('invalid', `${source}: no value for ${missing.join(', ')}; give it with -v name=value`);
  return rendered;
}
