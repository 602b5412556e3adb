// The text for a value of the wrong type, as the peers word it.
import { addFinding, type Findings } from './findings.ts';

/** Records that a value is not of the type expected; `advice` says what to write where that is not plain. */
export function wrongType(expected: string, value: unknown, findings: Findings, advice?: string): undefined {
  const message = `in body must be of type ${expected}: ${JSON.stringify(typeNameOf(value))}`;
  addFinding(findings, advice === undefined ? message : `${message}; ${advice}`);
  return undefined;
}

function typeNameOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}
