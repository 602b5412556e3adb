// What a check collects while it walks a value. Fields are built from the inside out, so that a valid document costs no path at all.
import type { Violation } from '../error.ts';

/** A violation, and whether the value could not even be read as its type (the peer words these differently). */
export interface Finding {
  field: string;
  readonly message: string;
  readonly unreadable: boolean;
}

/** Findings of one document, at most `maximumFindings`; a hostile document must not cost more than that to refuse. */
export type Findings = Finding[];

const maximumFindings = 100;

/** Records one finding at the value that is being looked at. */
export function addFinding(findings: Findings, message: string, field = '', unreadable = false): void {
  if (findings.length < maximumFindings) findings.push({ field, message, unreadable });
}

/** True when no more findings are recorded: then nothing that only leads to another one needs to be done. */
export function isFull(findings: Findings): boolean {
  return findings.length >= maximumFindings;
}

/** Puts a property's name in front of all findings from `start` on. */
export function prefixField(findings: Findings, start: number, name: string): void {
  for (const finding of findings.slice(start)) finding.field = joinField(name, finding.field);
}

/** Puts a list index in front of all findings from `start` on. */
export function prefixIndex(findings: Findings, start: number, index: number): void {
  prefixField(findings, start, `[${index}]`);
}

/** Puts a map key in front of all findings from `start` on. */
export function prefixKey(findings: Findings, start: number, key: string): void {
  prefixField(findings, start, formatKey(key));
}

/** `["kuma.io/service"]`; long keys are cut, so that an error stays readable. */
export function formatKey(key: string): string {
  return `[${JSON.stringify(key.length > 300 ? `${key.slice(0, 300)}…` : key)}]`;
}

/** `networking` + `inbound[0]` → `networking.inbound[0]`. */
export function joinField(prefix: string, field: string): string {
  if (prefix === '') return field;
  return field === '' || field.startsWith('[') ? prefix + field : `${prefix}.${field}`;
}

/** The findings as violations of the error type. */
export function toViolations(findings: Findings): Violation[] {
  return findings.map(({ field, message }) => ({ field, message }));
}
