// Lines of the log for people: `time LEVEL component: message field=value`, as kuma-dp writes them.
import type { LogOutput } from './log.ts';

/** Turns lines of JSON into text on their way to the output. */
export function textOutput(output: LogOutput): LogOutput {
  return { write: (line) => output.write(textOf(line)) };
}

function textOf(line: string): string {
  const { level, time, component, msg, ...fields } = JSON.parse(line) as Readonly<Record<string, unknown>>;
  const facts = Object.entries(fields).map(([name, value]) => ` ${name}=${JSON.stringify(value)}`);
  return `${time} ${String(level).toUpperCase().padEnd(5)} ${component}: ${msg}${facts.join('')}\n`;
}
