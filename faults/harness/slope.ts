// The trend of a series: least squares, through all of it or through what it never falls below.

/** One sample: seconds and value. */
export interface Sample {
  readonly at: number;
  readonly value: number;
}

/** How much the value grows in an hour; 0 for fewer than two samples. */
export function slopePerHour(samples: readonly Sample[]): number {
  const count = samples.length;
  if (count < 2) return 0;
  const meanAt = samples.reduce((sum, { at }) => sum + at, 0) / count;
  const mean = samples.reduce((sum, { value }) => sum + value, 0) / count;
  const covariance = samples.reduce((sum, { at, value }) => sum + (at - meanAt) * (value - mean), 0);
  const variance = samples.reduce((sum, { at }) => sum + (at - meanAt) ** 2, 0);
  return variance === 0 ? 0 : (covariance / variance) * 3600;
}

/**
 * The least sample of each of so many equal spans of time. Memory of a process with a garbage collector goes up and down by more than what a leak adds
 * in an hour; what it comes back to does not.
 */
export function lowerEnvelope(samples: readonly Sample[], spans: number): readonly Sample[] {
  const [first, last] = [samples[0], samples.at(-1)];
  if (first === undefined || last === undefined) return [];
  const length = (last.at - first.at) / spans;
  const spanOf = ({ at }: Sample): number => Math.min(spans - 1, Math.floor((at - first.at) / (length || 1)));
  return Object.values(Object.groupBy(samples, spanOf)).map((span = []) =>
    span.reduce((least, sample) => (sample.value < least.value ? sample : least)),
  );
}
