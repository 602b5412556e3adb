#!/usr/bin/env node
// kuma-dp's process: signals in, exit code out.
import { runCommandLine } from './cli.ts';

const stop = new AbortController();
const hurry = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    if (stop.signal.aborted) hurry.abort();
    stop.abort();
  });
}
process.exitCode = await runCommandLine(process.argv.slice(2), {
  environment: process.env,
  workingFolder: process.cwd(),
  isTerminal: process.stdout.isTTY === true,
  write: (text) => process.stdout.write(text),
  writeError: (text) => process.stderr.write(text),
  stopSignal: stop.signal,
  hurrySignal: hurry.signal,
});
process.exit();
