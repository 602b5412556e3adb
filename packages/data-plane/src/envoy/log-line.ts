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

type Write = Log['info'];

/**
 * Writes the lines of one Envoy to the log. Indented ones go on with the message before them. Lines of another form (an assertion, a sanitizer)
 * are kept whole, as errors.
 */
export function envoyLineForwarder(log: Log): (line: string) => void {
  let writeMore: Write = log.error;
  return (line) => {
    if (line.trim() === '') return;
    const { write, message } = parseLine(line, log) ?? {
      write: /^\s/.test(line) ? writeMore : log.error,
      message: line,
    };
    write(message);
    writeMore = write;
    const advice = adviceFor(line);
    if (advice !== undefined) log.error(advice);
  };
}

function parseLine(line: string, log: Log): { readonly write: Write; readonly message: string } | undefined {
  const [word = '', component, ...rest] = line.split('\t');
  const level = levels[word];
  if (level !== undefined && component !== undefined && rest.length > 0)
    return { write: log.component(component)[level], message: rest.join('\t') };
  // Until it has read how its lines are to look, Envoy writes them as it likes.
  const [, early = '', logger = '', message] =
    line.match(/^\[[-\d]+ [\d:.]+\]\[\d+\]\[(\w+)\]\[(\w+)\] (?:\[[^\]]*\] )?(.+)$/) ?? [];
  const earlyLevel = levels[early];
  return earlyLevel === undefined || message === undefined
    ? undefined
    : { write: log.component(logger)[earlyLevel], message };
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
