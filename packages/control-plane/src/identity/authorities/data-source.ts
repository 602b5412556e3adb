// Where the user keeps a certificate or key: in a Secret, in a file of the control plane's machine, or in the resource itself.
import type { Violation } from '@ursa/resources';

/** A data source as written: exactly one of the ways. */
export type DataSource =
  | { readonly kind: 'secret'; readonly name: string }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'inline'; readonly content: string };

/** Reads the ways that make up a data source; undefined when there is none or it has the wrong shape. */
export function readDataSource(value: unknown): DataSource | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { secret, file, inline, inlineString } = value as Readonly<Record<string, unknown>>;
  if (typeof secret === 'string' && secret !== '') return { kind: 'secret', name: secret };
  if (typeof file === 'string' && file !== '') return { kind: 'file', path: file };
  if (typeof inline === 'string' && inline !== '') {
    return { kind: 'inline', content: Buffer.from(inline, 'base64').toString('utf8') };
  }
  if (typeof inlineString === 'string' && inlineString !== '') return { kind: 'inline', content: inlineString };
  return undefined;
}

/** What is wrong with a data source in the field `field`. */
export function validateDataSource(field: string, value: unknown): readonly Violation[] {
  if (value === undefined || value === null) return [{ field, message: 'has to be defined' }];
  if (readDataSource(value) !== undefined) return [];
  return [{ field, message: 'data source has to be chosen. Available sources: secret, file, inline, inlineString' }];
}
