// Tables as kumactl prints them: columns as wide as their widest cell, three spaces apart, nothing after the last one.

/** Prints a heading and rows; ends with a newline. */
export function formatTable(headers: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [headers, ...rows];
  const widths = headers.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => (column === headers.length - 1 ? cell : cell.padEnd((widths[column] ?? 0) + 3)))
        .join('')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}

const longestAge = (292 * 365 + 73) * 24 * 3600;

/** Time since an instant, in its largest unit: `5s`, `3m`, `7h`, `2d`, `1y`. `never` when there is no instant. The peer's duration ends at 292 years. */
export function formatAge(instant: string | undefined, now: number): string {
  if (instant === undefined || instant === '') return 'never';
  const seconds = Math.min(longestAge, Math.max(0, Math.floor((now - Date.parse(instant)) / 1000)));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 24 * 3600) return `${Math.floor(seconds / 3600)}h`;
  const days = Math.floor(seconds / (24 * 3600));
  return days < 365 ? `${days}d` : `${Math.floor(days / 365)}y`;
}
