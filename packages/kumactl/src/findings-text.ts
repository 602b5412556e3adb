// Findings as text: place, severity, code, message; the fix on a line of its own.
import type { PlacedFinding } from './offline/read-drafts.ts';

/** One finding. */
export function formatFinding({ place, severity, code, message, fix }: PlacedFinding): string {
  const where = place === undefined ? '' : `${place.file}:${place.line}:${place.column}: `;
  return `${where}${severity} ${code}: ${message}\n  fix: ${fix}\n`;
}

/** `2 errors, 1 warning`; undefined when nothing is worse than a note. */
export function countFindings(findings: readonly Pick<PlacedFinding, 'severity'>[]): string | undefined {
  const counts = (['error', 'warning'] as const).flatMap((severity) => {
    const count = findings.filter((each) => each.severity === severity).length;
    return count === 0 ? [] : [`${count} ${severity}${count === 1 ? '' : 's'}`];
  });
  return counts.length === 0 ? undefined : counts.join(', ');
}
