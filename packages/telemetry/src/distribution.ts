// Values sorted into buckets: cheap to add to, and read as Prometheus has histograms.
import { formatValue, type Label, type Sample } from './prometheus-text.ts';

/** Takes values. */
export interface Distribution {
  observe(value: number): void;
}

/** What a distribution holds. `counts` has one more entry than `bounds`, and each value in one of them. */
export interface DistributionCounts {
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
  readonly sum: number;
}

/** An empty distribution; `bounds` are the buckets' largest values, in order. */
export function distribution(bounds: readonly number[]): Distribution & DistributionCounts {
  const counts = new Array<number>(bounds.length + 1).fill(0);
  let sum = 0;
  return {
    bounds,
    counts,
    get sum() {
      return sum;
    },
    observe(value) {
      let bucket = 0;
      while (bucket < bounds.length && value > (bounds[bucket] ?? 0)) bucket += 1;
      counts[bucket] = (counts[bucket] ?? 0) + 1;
      sum += value;
    },
  };
}

/** The samples of a histogram: each bucket counts all smaller ones along. */
export function distributionSamples(
  name: string,
  labels: readonly Label[],
  { bounds, counts, sum }: DistributionCounts,
): Sample[] {
  let below = 0;
  const buckets = counts.map((count, index): Sample => {
    below += count;
    const bound = formatValue(bounds[index] ?? Number.POSITIVE_INFINITY);
    return { name: `${name}_bucket`, labels: [...labels, ['le', bound]], value: String(below) };
  });
  return [
    ...buckets,
    { name: `${name}_sum`, labels, value: formatValue(sum) },
    { name: `${name}_count`, labels, value: String(below) },
  ];
}
