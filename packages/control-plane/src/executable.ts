// What the executable kuma-cp starts with: the runtime is told when to collect garbage and what not to compile, then the command line begins.
//
// Left alone, Bun starts a collection each second until half a minute has passed in which the heap kept its size: with 1,000 proxies a tenth to a fifth
// of a core after each change. And JavaScriptCore lets garbage become three times what lives before it looks for any, which then lies between what lives
// and keeps its pages. Its last optimizing compiler works for a quarter of the time that a change takes, for code that seldom runs long enough to gain by
// it. Only the environment that a process begins with changes these, so the executable executes itself once more, as the same process, before the rest of
// it is loaded (docs/decisions/0324, 0340, 0345).
import { readFileSync } from 'node:fs';

declare const Bun: { readonly isStandaloneExecutable: boolean };

const runtime = {
  BUN_GC_TIMER_DISABLE: '1',
  /** Bytes allocated between two collections, whatever the name says. */
  BUN_JSC_gcMaxHeapSize: String(32 * 1024 * 1024),
  BUN_JSC_useFTLJIT: '0',
};
const isTold = Object.keys(runtime).every((variable) => process.env[variable] !== undefined);

if (process.platform === 'linux' && Bun.isStandaloneExecutable && !isTold) {
  try {
    const commandLine = readFileSync('/proc/self/cmdline', 'utf8').split('\0').slice(0, -1);
    process.execve?.(process.execPath, commandLine, { ...runtime, ...process.env });
  } catch {
    // Where a process may not execute anything all works as well, with more CPU and memory.
  }
}

void import('./main.ts');
