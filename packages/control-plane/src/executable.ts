// What the executables of long-running programs start with: a timer of Bun is turned off, then the program begins.
//
// Besides the collections of garbage that JavaScriptCore starts by what was allocated, Bun starts one each second until half a minute has passed in
// which the heap kept its size: for a control plane with 1,000 proxies a tenth to a fifth of a core after each change (docs/decisions/0324). Only the
// environment that a process begins with turns it off, so the executable executes itself once more, as the same process, before the program is loaded.
import { readFileSync } from 'node:fs';

declare const Bun: { readonly isStandaloneExecutable: boolean };
/** The program's main file, from here: a constant of `scripts/build.ts`. */
declare const program: string;

const variable = 'BUN_GC_TIMER_DISABLE';
const ours = 'kuma';

if (process.env[variable] === ours) {
  // What this process starts is its own master, and may be made of Bun as well.
  delete process.env[variable];
} else if (process.platform === 'linux' && Bun.isStandaloneExecutable && process.env[variable] === undefined) {
  try {
    const commandLine = readFileSync('/proc/self/cmdline', 'utf8').split('\0').slice(0, -1);
    process.execve?.(process.execPath, commandLine, { ...process.env, [variable]: ours });
  } catch {
    // Where a process may not execute anything all works as well, at more CPU.
  }
}

void import(program);
