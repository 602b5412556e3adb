// Names of services end up as one label of host names and server names.
import { displayNameOf } from '../kri.ts';
import { dnsLabelProblems } from '../resource-names.ts';
import type { ValidationContext } from '../resource-type.ts';
import type { ViolationList } from '../violations.ts';

const maximumLength = 63;

/** A service's name must fit into one label of a host name. */
export function requireNameLength(violations: ViolationList, context: ValidationContext): void {
  if (displayNameOf(context).length > maximumLength)
    violations.add('name', `must not be longer than ${maximumLength} characters`);
}

/** What the author of a name that is no DNS label should know: such names will be refused one day. */
export function dnsNameWarnings(type: string, context: ValidationContext): readonly string[] {
  const name = displayNameOf(context);
  const problems = dnsLabelProblems(name);
  if (problems.length === 0) return [];
  return [
    `Invalid ${type} resource name: '${name}'. It does not conform to the DNS format (RFC 1035). This is deprecated. Errors: ${problems.join('; ')}`,
  ];
}

/** `dnsNameWarnings`, and the same for the server name of each port. */
export function serviceNameWarnings(
  type: string,
  ports: readonly { readonly port?: number; readonly name?: string }[],
  context: ValidationContext,
): readonly string[] {
  const name = displayNameOf(context);
  const problem = name.includes('.')
    ? 'must not contain dots'
    : name.length > maximumLength
      ? `must be no more than ${maximumLength} characters`
      : undefined;
  const sniWarnings = ports.map(
    (port) =>
      `Invalid ${type} SNI (port "${port.name ?? port.port}"): name "${name}" does not conform to RFC 1123: ${problem}. This is deprecated.`,
  );
  return [...dnsNameWarnings(type, context), ...(problem === undefined ? [] : sniWarnings)];
}
