// Turns what Envoy writes to its standard error into lines of our log.
import type { Log } from '../log.ts';

/** Value for Envoy's `--log-format`: level, logger and message, split by tabs; the time is the one at which kuma-dp reads the line. */
export const envoyLogFormat = '%l\t%n\t%v';

const levels: Readonly<Record<string, 'debug' | 'info' | 'warn' | 'error'>> = {
  trace: 'debug',
  debug: 'debug',
  info: 'info',
  warning: 'warn',
  warn: 'warn',
  error: 'error',
  critical: 'error',
};

/** Writes one line of Envoy to the log. Lines of another form (an assertion, a sanitizer) are kept whole, as errors. */
export function forwardEnvoyLine(line: string, log: Log): void {
  if (line.trim() === '') return;
  const [word = '', component, ...rest] = line.split('\t');
  const level = levels[word];
  if (level === undefined || component === undefined || rest.length === 0) log.error(line);
  else log.component(component)[level](rest.join('\t'));
  const advice = adviceFor(line);
  if (advice !== undefined) log.error(advice);
}

/** What a user can do about what Envoy says; undefined for most lines. */
function adviceFor(line: string): string | undefined {
  const [, address, reason] = line.match(/cannot bind '([^']+)': (Address already in use|Permission denied)/) ?? [];
  if (address === undefined) return undefined;
  return reason === 'Permission denied'
    ? `Envoy may not listen on ${address}: ports below 1024 need CAP_NET_BIND_SERVICE; give the inbound or outbound of the Dataplane a higher port`
    : `Envoy cannot listen on ${address}: another process does; end it, or change the port of the inbound or outbound in the Dataplane`;
}

/** Cuts a stream of text into lines, whatever the chunks are. `end` hands out what is left without a newline. */
export function lineSplitter(onLine: (line: string) => void): { push(chunk: string): void; end(): void } {
  let rest = '';
  return {
    push(chunk) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) onLine(line);
    },
    end() {
      if (rest !== '') onLine(rest);
      rest = '';
    },
  };
}
