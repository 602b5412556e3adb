// The reference page of findings, made from the table of their codes.
import { findingCodes } from '@ursa/engine';

/** The page as Markdown. */
export function findingsPage(): string {
  const rows = Object.entries(findingCodes).map(
    ([code, [severity, summary]]) => `| \`${code}\` | ${severity} | ${summary} |`,
  );
  return [
    '# Findings',
    'Generated from the program; do not edit. What `kumactl lint` and `kumactl explain` find, by code. Each finding names the resource, its place in the files where there are files, and a fix.',
    'Codes do not change their meaning. `kumactl lint` exits with 1 when there is an error or a warning; notes alone exit with 0.',
    ['| Code | Severity | Meaning |', '|---|---|---|', ...rows].join('\n'),
    '',
  ].join('\n\n');
}
