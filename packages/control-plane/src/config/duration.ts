// Durations as the settings spell them ("1h30m", "250ms", "0s") and as the code wants them (milliseconds).

const unitMilliseconds: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

/** Milliseconds of such a text, or undefined when it is not one. Units: h, m, s, ms, us, ns; fractions and a leading minus are allowed. */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0;
  const whole = /^(-?)((?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+)$/.exec(text);
  if (whole === null) return undefined;
  let milliseconds = 0;
  for (const part of (whole[2] ?? '').matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)) {
    milliseconds += Number(part[1]) * (unitMilliseconds[part[2] ?? ''] ?? 0);
  }
  return whole[1] === '-' ? -milliseconds : milliseconds;
}

/** The peer's way to print a duration: `1m0s`, `72h0m0s`, `250ms`, `0s`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds === 0) return '0s';
  const sign = milliseconds < 0 ? '-' : '';
  const size = Math.abs(milliseconds);
  if (size < 1) return `${sign}${trimZeros(size * 1_000)}µs`;
  if (size < 1_000) return `${sign}${trimZeros(size)}ms`;
  const hours = Math.floor(size / 3_600_000);
  const minutes = Math.floor((size % 3_600_000) / 60_000);
  const seconds = trimZeros((size % 60_000) / 1_000);
  if (hours > 0) return `${sign}${hours}h${minutes}m${seconds}s`;
  return minutes > 0 ? `${sign}${minutes}m${seconds}s` : `${sign}${seconds}s`;
}

function trimZeros(value: number): string {
  return String(Number(value.toFixed(6)));
}
