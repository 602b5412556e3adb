#!/usr/bin/env node
// kuma-dp's process: signals in, exit code out. While Envoy serves, nothing but its end or a signal may end it.
import { runCommandLine } from './cli.ts';

const stop = new AbortController();
const hurry = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (stop.signal.aborted) hurry.abort();
    stop.abort();
  });
}
// Whoever read the log may go; the proxy stays.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
const reportBug = (error: unknown): void => {
  process.stderr.write(`kuma-dp: a bug was met, going on: ${error instanceof Error ? error.stack : String(error)}\n`);
};
process.on('uncaughtException', reportBug);
process.on('unhandledRejection', reportBug);

// Not awaited: the executable carries its byte code, which does not go with a top-level await.
runCommandLine(process.argv.slice(2), {
  environment: process.env,
  workingFolder: process.cwd(),
  isTerminal: process.stdout.isTTY === true,
  write: (text) => process.stdout.write(text),
  writeError: (text) => process.stderr.write(text),
  stopSignal: stop.signal,
  hurrySignal: hurry.signal,
}).then((code) => process.exit(code));
