// What the executable kuma-cp starts with: a timer of Bun is turned off, then the command line begins.
//
// Besides the collections of garbage that JavaScriptCore starts by what was allocated, Bun starts one each second until half a minute has passed in which
// the heap kept its size: with 1,000 proxies a tenth to a fifth of a core after each change (docs/decisions/0324). Only the environment that a process
// begins with turns it off, so the executable executes itself once more, as the same process, before the rest of it is loaded.
import { readFileSync } from 'node:fs';

declare const Bun: { readonly isStandaloneExecutable: boolean };

const variable = 'BUN_GC_TIMER_DISABLE';

if (process.platform === 'linux' && Bun.isStandaloneExecutable && process.env[variable] === undefined) {
  try {
    const commandLine = readFileSync('/proc/self/cmdline', 'utf8').split('\0').slice(0, -1);
    process.execve?.(process.execPath, commandLine, { ...process.env, [variable]: '1' });
  } catch {
    // Where a process may not execute anything all works as well, at more CPU.
  }
}

void import('./main.ts');
