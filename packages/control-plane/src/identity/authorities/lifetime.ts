// Lifetimes of certificates as Mesh settings give them.
import { parseDuration } from '@ursa/resources';

const day = 24 * 3600 * 1000;

/**
 * Milliseconds of a lifetime as Mesh settings give it: units from years to milliseconds in this order (`10y`, `1d12h`), or a Go duration.
 * Undefined when it is neither, or not more than zero.
 */
export function parseLifetime(text: string): number | undefined {
  const parts = /^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(.*)$/.exec(text);
  if (text === '' || parts === null) return undefined;
  const [, years = '0', weeks = '0', days = '0', rest = ''] = parts;
  const remainder = rest === '' ? 0 : parseDuration(rest);
  if (remainder === undefined) return undefined;
  const total = (Number(years) * 365 + Number(weeks) * 7 + Number(days)) * day + remainder;
  return total > 0 ? total : undefined;
}
