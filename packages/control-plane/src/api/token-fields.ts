// Fields in the bodies of requests for tokens and join codes.
import { MeshError, parseDuration, type Violation } from '@ursa/resources';

/** Typed access to the fields of a body; what is wrong is gathered, so that the caller sees all of it at once. */
export interface Fields {
  readonly violations: readonly Violation[];
  refuse(field: string, message: string): void;
  text(field: string, options?: { readonly required?: boolean }): string;
  texts(field: string, options?: { readonly required?: boolean }): readonly string[];
  tags(field: string): Readonly<Record<string, readonly string[]>>;
  /** Seconds in `validFor`, or another field; `otherwise` when it is not said, which is refused without it. */
  validFor(otherwise?: number, field?: string): number;
}

/** Reads a parsed body. Errors: `MeshError('invalid')` when it is no object. */
export function readFields(body: unknown): Fields {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new MeshError('invalid', 'the body must be an object');
  }
  const document = body as Readonly<Record<string, unknown>>;
  const violations: Violation[] = [];
  const refuse = (field: string, message: string) => void violations.push({ field, message });
  const isTexts = (value: unknown): value is readonly string[] =>
    Array.isArray(value) && value.every((item) => typeof item === 'string');
  const fields: Fields = {
    violations,
    refuse,
    text(field, { required = false } = {}) {
      const value = document[field] ?? '';
      if (typeof value !== 'string') refuse(field, 'must be a text');
      else if (value === '' && required) refuse(field, 'cannot be empty');
      return typeof value === 'string' ? value : '';
    },
    texts(field, { required = false } = {}) {
      const value = document[field] ?? [];
      if (!isTexts(value)) refuse(field, 'must be a list of texts');
      else if (value.length === 0 && required) refuse(field, 'cannot be empty');
      return isTexts(value) ? value : [];
    },
    tags(field) {
      const value = document[field] ?? {};
      if (typeof value === 'object' && !Array.isArray(value) && Object.values(value).every(isTexts)) {
        return value as Readonly<Record<string, readonly string[]>>;
      }
      refuse(field, 'must be an object whose values are lists of texts');
      return {};
    },
    validFor(otherwise, field = 'validFor') {
      const text = fields.text(field, { required: otherwise === undefined });
      if (text === '') return otherwise ?? 0;
      const milliseconds = parseDuration(text);
      if (milliseconds === undefined)
        refuse(
          field,
          `is invalid: expected a duration such as 30m or 24h, found ${JSON.stringify(text.slice(0, 100))}`,
        );
      else if (milliseconds < 1000) refuse(field, 'must be at least 1s');
      return Math.floor((milliseconds ?? 0) / 1000);
    },
  };
  return fields;
}
