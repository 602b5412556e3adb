// What Envoy counts apart and users think of as one: clusters that were split by subsets of their endpoints. Marks the traffic of users, too.

import { type Family, formatValue, type Label, parseValue, type Sample } from '@ursa/telemetry';
import { entityLabels, isOwn } from './own-traffic.ts';

/** Split clusters have the hash of their subset behind their name. */
const splitName = /^(.+)-[0-9a-fA-F]{16}$/;

/** Label of series that carry traffic of users; dashboards of the peers ask for it. */
const trafficMark: Label = ['kuma_io_mesh_traffic', 'true'];

/** Joins the series of split clusters by adding them up. */
export function joinClusters({ samples, ...family }: Family): Family {
  const joined = new Map<string, Sample>();
  for (const sample of samples) {
    const labels = marked(sample.labels.map(renamed));
    const key = `${sample.name}\0${labels.flat().join('\0')}`;
    const known = joined.get(key);
    const value = known === undefined ? shortest(sample.value) : sum(known.value, sample.value);
    joined.set(key, { ...(known ?? sample), labels, value });
  }
  return { ...family, samples: [...joined.values()] };
}

function renamed([name, value]: Label): Label {
  const [, whole] = (name === entityLabels.cluster && splitName.exec(value)) || [];
  return whole === undefined ? [name, value] : [name, whole];
}

// The bounds of buckets and quantiles stand last.
function marked(labels: readonly Label[]): Label[] {
  const isBound = ([name]: Label): boolean => name === 'le' || name === 'quantile';
  const bounds = labels.filter(isBound).map(([name, value]): Label => [name, shortest(value)]);
  const others = labels.filter((label) => !isBound(label));
  const ofTraffic = labels.some(
    ([name, value]) => (name === entityLabels.cluster || name === entityLabels.manager) && !isOwn(value),
  );
  return [...others, ...(ofTraffic ? [trafficMark] : []), ...bounds];
}

/** A value as sums are written, so that all of a scrape reads alike. */
function shortest(value: string): string {
  if (/^(?:0|[1-9]\d{0,5})$/.test(value)) return value; // as most are: nothing to do
  const number = parseValue(value);
  return number === undefined ? value : formatValue(number);
}

function sum(first: string, second: string): string {
  return formatValue((parseValue(first) ?? 0) + (parseValue(second) ?? 0));
}
