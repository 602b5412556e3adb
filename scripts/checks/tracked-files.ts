// The files that belong to the project: tracked by git, or new and not ignored.
import { capture } from '../process.ts';

/** Paths from the repository's root, of the files that match the pattern. */
export function trackedFiles(pattern: RegExp): readonly string[] {
  const { output } = capture('git', ['ls-files', '--cached', '--others', '--exclude-standard']);
  return [...new Set(output.split('\n'))].filter((file) => file !== '' && pattern.test(file)).sort();
}
