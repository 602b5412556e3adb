// How much memory this process may use, as its control group says.
import { readFileSync } from 'node:fs';

/** Files in which version 2 and version 1 of control groups keep the limit of memory. */
const limitFiles = ['/sys/fs/cgroup/memory.max', '/sys/fs/cgroup/memory/memory.limit_in_bytes'];

/** Bytes, or 0 when nothing limits it. Version 1 says "unlimited" with a number beyond what doubles hold exactly. */
export function readMemoryLimit(): number {
  for (const file of limitFiles) {
    try {
      const limit = Number(readFileSync(file, 'utf8').trim());
      return Number.isSafeInteger(limit) ? limit : 0;
    } catch {
      // Another version of control groups, or none.
    }
  }
  return 0;
}
