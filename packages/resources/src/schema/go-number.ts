// Numbers in error texts, as Go's fmt prints a float64.

/** `65535`, but `5.000011e+06`: from seven digits on Go writes an exponent of at least two digits. */
export function formatGoNumber(value: number): string {
  const magnitude = Math.abs(value);
  if (magnitude !== 0 && (magnitude >= 1e6 || magnitude < 1e-4)) {
    return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
  }
  return String(value);
}
