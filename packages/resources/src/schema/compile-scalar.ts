// Checks of texts and numbers.
import { formatDuration, formatProtoDuration, parseDuration } from '../duration.ts';
import type { SchemaCheck, SchemaDialect } from './compile-schema.ts';
import { addFinding } from './findings.ts';
import { formatGoNumber } from './go-number.ts';
import type { SchemaNode } from './schema-node.ts';
import { wrongType } from './wrong-type.ts';

/** Texts, with the formats `go-duration` and `proto-duration`, which also bring a value into normal form, and `byte` (base64). */
export function compileString(schema: SchemaNode): SchemaCheck {
  if (schema.format === 'go-duration') return compileDuration(formatDuration);
  if (schema.format === 'proto-duration') return compileDuration(formatProtoDuration);
  if (schema.format === 'byte') return compileBase64();
  const { minLength = 0, maxLength = Number.POSITIVE_INFINITY } = schema;
  const pattern = schema.pattern === undefined ? undefined : new RegExp(schema.pattern);
  return (value, findings) => {
    if (typeof value !== 'string') return wrongType('string', value, findings);
    if (value.length < minLength) addFinding(findings, `in body should be at least ${minLength} chars long`);
    if (value.length > maxLength) addFinding(findings, `in body should be at most ${maxLength} chars long`);
    if (pattern !== undefined && !pattern.test(value)) {
      const advice = pattern.test(value.toLowerCase()) ? '; write it in lower case' : '';
      addFinding(findings, `in body should match '${pattern.source}'${advice}`);
    }
    return value;
  };
}

function compileDuration(format: (milliseconds: number) => string): SchemaCheck {
  return (value, findings) => {
    if (typeof value === 'number') return wrongType('string', value, findings, withUnit(value));
    if (typeof value !== 'string') return wrongType('string', value, findings);
    const milliseconds = parseDuration(value);
    if (milliseconds === undefined) {
      addFinding(findings, `time: invalid duration ${JSON.stringify(value.slice(0, 100))}`, '', true);
      return value;
    }
    return format(milliseconds);
  };
}

const withUnit = (value: number): string => `a duration has a unit, such as ${value}s`;

function compileBase64(): SchemaCheck {
  return (value, findings) => {
    if (typeof value !== 'string') return wrongType('string', value, findings);
    const wrongAt = base64Problem(value);
    if (wrongAt !== undefined) addFinding(findings, `illegal base64 data at input byte ${wrongAt}`, '', true);
    return value;
  };
}

/** Position of the first character that cannot be there in base64 with padding; undefined when all is well. */
function base64Problem(text: string): number | undefined {
  const wrongAt = text.search(/[^A-Za-z0-9+/\r\n]/);
  const plain = text.replaceAll(/[\r\n]/g, '');
  if (wrongAt < 0) return plain.length % 4 === 0 ? undefined : text.length;
  const padded = plain.length % 4 === 0 && /^[^=]*={1,2}$/.test(plain) && text[wrongAt] === '=';
  return padded ? undefined : wrongAt;
}

/** Numbers, with bounds. In the proto dialect they may be quoted. */
export function compileNumber(schema: SchemaNode, dialect: SchemaDialect): SchemaCheck {
  const { type = 'number', minimum = Number.NEGATIVE_INFINITY, maximum = Number.POSITIVE_INFINITY } = schema;
  return (given, findings) => {
    const value =
      dialect === 'proto' && typeof given === 'string' && /^-?\d+(\.\d+)?$/.test(given) ? Number(given) : given;
    const isQuoted = typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value);
    if (isQuoted) return wrongType(type, value, findings, 'write it without quotes');
    if (typeof value !== 'number' || !Number.isFinite(value)) return wrongType(type, value, findings);
    if (type === 'integer' && !Number.isInteger(value)) return wrongType(type, value, findings);
    if (value < minimum) addFinding(findings, `in body should be greater than or equal to ${formatGoNumber(minimum)}`);
    if (value > maximum) addFinding(findings, `in body should be less than or equal to ${formatGoNumber(maximum)}`);
    return value;
  };
}

/**
 * A whole number, or text. Where only whole numbers are numbers, a decimal is written as text ("50.5"); one without quotes means the same and
 * becomes that text.
 */
export const integerOrText: SchemaCheck = (value, findings) => {
  if (typeof value === 'string') return value;
  if (typeof value !== 'number' || !Number.isFinite(value)) return wrongType('integer or string', value, findings);
  return Number.isInteger(value) ? value : String(value);
};
