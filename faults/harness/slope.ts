// The trend of a series: least squares.

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
