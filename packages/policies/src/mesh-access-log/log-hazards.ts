// What an access log does that is more than telling of requests: Envoy's operator ENVIRONMENT puts variables of its process into lines.
import type { Hazard } from '@ursa/policy';

/** The hazards of a spec, wherever a format stands in it. */
export function logHazards(spec: object): readonly Hazard[] {
  const found: Hazard[] = [];
  const look = (value: unknown, field: string): void => {
    if (typeof value === 'string') {
      const [what] = /%ENVIRONMENT\([^)]*\)?/.exec(value) ?? [];
      if (what !== undefined) found.push({ kind: 'log-environment', field, what });
    } else if (Array.isArray(value)) for (const [index, item] of value.entries()) look(item, `${field}[${index}]`);
    else if (typeof value === 'object' && value !== null) {
      for (const [key, item] of Object.entries(value)) look(item, field === '' ? key : `${field}.${key}`);
    }
  };
  look(spec, '');
  return found;
}
