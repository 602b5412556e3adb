// A list of violations in the making, with the wordings that many rules share.
import { isDnsName, isIp } from './addresses.ts';
import type { Violation } from './error.ts';
import { formatKey, joinField } from './schema/findings.ts';

/** Collects what is wrong with one document. */
export interface ViolationList {
  add(field: string, message: string): void;
  /** Adds a violation about one key of a map. */
  addKey(field: string, key: string, message: string): void;
  readonly all: readonly Violation[];
}

/** An empty list. */
export function collectViolations(): ViolationList {
  const all: Violation[] = [];
  return {
    all,
    add: (field, message) => all.push({ field, message }),
    addKey: (field, key, message) => all.push({ field: joinField(field, formatKey(key)), message }),
  };
}

/** Adds a violation unless the port can be listened on. */
export function requirePort(violations: ViolationList, field: string, port: number | undefined): void {
  if (port === undefined || port < 1 || port > 65535) violations.add(field, 'port must be in the range [1, 65535]');
}

/** Adds a violation for a port that there is not; 0 stands for none. */
export function allowPort(violations: ViolationList, field: string, port: number | undefined): void {
  if (port !== undefined && port !== 0) requirePort(violations, field, port);
}

/** Adds a violation unless the address is an IP address or a domain name. */
export function requireAddress(violations: ViolationList, field: string, address: string): void {
  if (!isIp(address) && !isDnsName(address)) violations.add(field, 'address has to be valid IP address or domain name');
}

/** `"mode" must be one of ["a", "b"]` */
export function mustBeOneOf(name: string, allowed: readonly string[]): string {
  return `${JSON.stringify(name)} must be one of [${allowed.map((value) => JSON.stringify(value)).join(', ')}]`;
}

/** `Allowed values: a, b` */
export function allowedValues(allowed: readonly string[]): string {
  return `Allowed values: ${allowed.length === 0 ? '(none)' : allowed.join(', ')}`;
}
