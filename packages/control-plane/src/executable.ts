// What the executable kuma-cp starts with: the runtime is told when to collect garbage, then the command line begins.
//
// Left alone, Bun starts a collection each second until half a minute has passed in which the heap kept its size: with 1,000 proxies a tenth to a fifth
// of a core after each change. And JavaScriptCore lets garbage become three times what lives before it looks for any, which then lies between what lives
// and keeps its pages. Only the environment that a process begins with changes either, so the executable executes itself once more, as the same process,
// before the rest of it is loaded (docs/decisions/0324, 0340).
import { readFileSync } from 'node:fs';

declare const Bun: { readonly isStandaloneExecutable: boolean };

const collector = {
  BUN_GC_TIMER_DISABLE: '1',
  /** Bytes allocated between two collections, whatever the name says. */
  BUN_JSC_gcMaxHeapSize: String(32 * 1024 * 1024),
};
const isTold = Object.keys(collector).every((variable) => process.env[variable] !== undefined);

if (process.platform === 'linux' && Bun.isStandaloneExecutable && !isTold) {
  try {
    const commandLine = readFileSync('/proc/self/cmdline', 'utf8').split('\0').slice(0, -1);
    process.execve?.(process.execPath, commandLine, { ...collector, ...process.env });
  } catch {
    // Where a process may not execute anything all works as well, with more CPU and memory.
  }
}

void import('./main.ts');
