// What a policy's own checks write into: violations with full paths, and the few checks that most policies share.
import { describeRegularExpressionError, parseDuration, type Violation } from '@ursa/resources';

/** Collects violations below one path of the document. */
export interface Report {
  /** A violation at a field below the path; '' for the path itself. */
  add(field: string, message: string): void;
  /** The same report, further down. */
  at(field: string): Report;
}

/** A report that adds to a list, at a path such as `spec.to[0].default`. */
export function createReport(path: string, violations: Violation[]): Report {
  const join = (field: string) => (field === '' || field.startsWith('[') ? path + field : `${path}.${field}`);
  return {
    add: (field, message) => violations.push({ field: join(field), message }),
    at: (field) => createReport(join(field), violations),
  };
}

type Optional<Value> = Value | undefined;

/** A duration, when given, must be more than nothing. */
export function checkPositiveDuration(report: Report, field: string, duration: Optional<string>): void {
  if (duration !== undefined && (parseDuration(duration) ?? 0) <= 0) {
    report.add(field, 'must be greater than zero when defined');
  }
}

/** A duration, when given, may be nothing (which switches it off), but not less. */
export function checkDuration(report: Report, field: string, duration: Optional<string>): void {
  if (duration !== undefined && (parseDuration(duration) ?? 0) < 0) {
    report.add(field, 'must not be negative when defined');
  }
}

/** A count, when given, must be at least one. */
export function checkPositiveCount(report: Report, field: string, count: Optional<number>): void {
  if (count !== undefined && count <= 0) report.add(field, 'must be greater than 0');
}

/** A whole percentage, when given. */
export function checkPercentage(report: Report, field: string, percentage: Optional<number>): void {
  if (percentage !== undefined && (percentage < 0 || percentage > 100)) {
    report.add(field, 'must be in inclusive range [0, 100]');
  }
}

/** A percentage that may have decimals and then is written as text. */
export function checkDecimalPercentage(report: Report, field: string, percentage: Optional<number | string>): void {
  if (percentage === undefined) return;
  const value = parseDecimal(percentage);
  if (value === undefined) report.add(field, 'string must be a valid number');
  else if (value < 0 || value > 100) report.add(field, 'must be in inclusive range [0.0, 100.0]');
}

/** Number of an `intOrString`: decimals are written as text (`50`, `"50.5"`). Undefined when the text is not a number, or one without end. */
export function parseDecimal(value: number | string): number | undefined {
  if (typeof value === 'number') return value;
  const number = /^[+-]?(\d+\.?\d*|\.\d+)$/.test(value.trim()) ? Number(value) : Number.NaN;
  return Number.isFinite(number) ? number : undefined;
}

/** A regular expression, when given, must be one that Envoy takes. */
export function checkRegularExpression(report: Report, field: string, expression: Optional<string>): void {
  const error = expression === undefined ? undefined : describeRegularExpressionError(expression);
  if (expression === '') report.add(field, 'must not be empty: the regular expression .* takes any value');
  if (error !== undefined) report.add(field, error);
}

/** A text, when given, that Envoy writes into requests or compares with them: it takes none that would end a line there. */
export function checkOneLine(report: Report, field: string, text: Optional<string>): void {
  if (/[\0\r\n]/.test(text ?? '')) report.add(field, 'must not have line breaks or NUL characters in it');
}

/** Records that a group of fields has none set, in the order in which users read them. */
export function checkAnyOf(report: Report, field: string, group: object, names: readonly string[]): void {
  const given = group as Readonly<Record<string, unknown>>;
  if (names.every((name) => given[name] === undefined)) {
    report.add(field, `must have at least one defined: ${names.join(', ')}`);
  }
}
