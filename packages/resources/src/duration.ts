// Durations as Go writes them (`1h30m`, `15s`, `250ms`): the form in which users and peers exchange them.

const nanosecondsPerUnit: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};
const durationPattern = /^[-+]?(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/;
const partPattern = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g;

// Go counts nanoseconds in 64 bits; what does not fit is no duration.
const maximumNanoseconds = 2 ** 63;

/** Milliseconds (may have a fraction) of a Go duration string; undefined when the text is not one. `0` needs no unit. */
export function parseDuration(text: string): number | undefined {
  if (/^[-+]?0$/.test(text)) return 0;
  if (!durationPattern.test(text)) return undefined;
  let nanoseconds = 0;
  for (const [, amount, unit] of text.matchAll(partPattern))
    nanoseconds += Number(amount) * (nanosecondsPerUnit[unit ?? ''] ?? 0);
  if (nanoseconds >= maximumNanoseconds) return undefined;
  return (text.startsWith('-') ? -nanoseconds : nanoseconds) / 1e6;
}

/** Go's own way to print a duration given in milliseconds: `1h0m0s`, `1m30s`, `1.5s`, `250ms`, `0s`. */
export function formatDuration(milliseconds: number): string {
  const nanoseconds = Math.round(Math.abs(milliseconds) * 1e6);
  const sign = milliseconds < 0 && nanoseconds > 0 ? '-' : '';
  if (nanoseconds === 0) return '0s';
  if (nanoseconds < 1e3) return `${sign}${nanoseconds}ns`;
  if (nanoseconds < 1e6) return `${sign}${nanoseconds / 1e3}µs`;
  if (nanoseconds < 1e9) return `${sign}${nanoseconds / 1e6}ms`;
  const hours = Math.floor(nanoseconds / 3600e9);
  const minutes = Math.floor((nanoseconds % 3600e9) / 60e9);
  const seconds = `${(nanoseconds % 60e9) / 1e9}s`;
  if (hours > 0) return `${sign}${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${sign}${minutes}m${seconds}` : `${sign}${seconds}`;
}

/** The form of protobuf's JSON: seconds with 0, 3, 6 or 9 decimals, `3600s`, `0.500s`. */
export function formatProtoDuration(milliseconds: number): string {
  const nanoseconds = Math.round(milliseconds * 1e6);
  const whole = Math.trunc(nanoseconds / 1e9);
  const rest = Math.abs(nanoseconds % 1e9);
  if (rest === 0) return `${whole}s`;
  const sign = nanoseconds < 0 && whole === 0 ? '-' : '';
  const decimals = String(rest)
    .padStart(9, '0')
    .replace(/(?:000){1,2}$/, '');
  return `${sign}${whole}.${decimals}s`;
}
