// Structured logs: one JSON object a line, each with the component it comes from, at a level that can be changed while running.
import { pino } from 'pino';

/** Levels, from silent to everything. */
export const logLevels = ['off', 'error', 'warn', 'info', 'debug'] as const;

/** A word for how much is logged. */
export type LogLevel = (typeof logLevels)[number];

/** Facts that go with a message; errors under `error`. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Writes the lines of one component. */
export interface Logger {
  error(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
}

/** Where lines go; a file with rotation, or the standard output. */
export interface LogOutput {
  write(line: string): void;
}

/** All loggers of the process, and their levels. */
export interface Log {
  /** The logger of a component; names are made of parts with a dot between: `xds`, `xds.stream`. Asking twice gives the same one. */
  component(name: string): Logger;
  /** Components whose level differs from the general one, by name. */
  overrides(): Readonly<Record<string, LogLevel>>;
  /** Sets the level of a component and of those below it, now and for loggers made later. */
  setLevel(component: string, level: LogLevel): void;
  /** Takes overrides back, of one component or of all; returns what was taken back. */
  resetLevels(component?: string): Readonly<Record<string, LogLevel>>;
  /** Lines written so far, by component and level. */
  lines(): readonly LineCount[];
  /** The newest lines that were written, the oldest of them first. */
  tail(): readonly string[];
}

/** How many lines a component has written at a level. */
export interface LineCount {
  readonly component: string;
  readonly level: string;
  readonly count: number;
}

/** Fields whose values are never written, at the top and one level below. */
const secretFields = ['token', 'password', 'authorization', 'privateKey', 'key', 'data'];

// Lines that are kept in memory for whoever asks for them later, and how long one may be.
const mostKept = 1000;
const longestKept = 2000;

/** Opens the log of a process at a general level; lines of a worker carry its number. */
export function openLog(level: LogLevel, output: LogOutput, worker?: number): Log {
  const counts = new Map<string, Record<string, number>>();
  const tail: string[] = [];
  const keep: LogOutput = {
    write(line) {
      tail.push(line.length > longestKept ? `${line.slice(0, longestKept)}…\n` : line);
      if (tail.length > mostKept) tail.shift();
      output.write(line);
    },
  };
  const base = pino(
    {
      base: worker === undefined ? null : { worker },
      level: 'debug',
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: describeError },
      redact: { paths: secretFields.flatMap((field) => [field, `*.${field}`]), censor: '*****' },
    },
    keep,
  );
  const overrides = new Map<string, LogLevel>();
  const loggers = new Map<string, { readonly logger: Logger; setLevel(level: LogLevel): void }>();

  /** The level of the nearest component that has one: `xds.stream`, then `xds`, then the general one. */
  function levelOf(component: string): LogLevel {
    const parts = component.split('.');
    for (let length = parts.length; length > 0; length--) {
      const found = overrides.get(parts.slice(0, length).join('.'));
      if (found !== undefined) return found;
    }
    return level;
  }

  function applyLevels(): void {
    for (const [name, { setLevel }] of loggers) setLevel(levelOf(name));
  }

  function makeLogger(name: string) {
    const child = base.child({ component: name });
    const written: Record<string, number> = {};
    counts.set(name, written);
    const at =
      (label: 'error' | 'warn' | 'info' | 'debug') =>
      (message: string, fields: LogFields = {}) => {
        if (!child.isLevelEnabled(label)) return;
        written[label] = (written[label] ?? 0) + 1;
        child[label](fields, message);
      };
    return {
      logger: { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') },
      setLevel(next: LogLevel) {
        child.level = next === 'off' ? 'silent' : next;
      },
    };
  }

  return {
    component(name) {
      let entry = loggers.get(name);
      if (entry === undefined) {
        entry = makeLogger(name);
        entry.setLevel(levelOf(name));
        loggers.set(name, entry);
      }
      return entry.logger;
    },
    overrides: () => Object.fromEntries(overrides),
    setLevel(component, next) {
      overrides.set(component, next);
      applyLevels();
    },
    resetLevels(component) {
      const taken = [...overrides].filter(([name]) => component === undefined || name === component);
      for (const [name] of taken) overrides.delete(name);
      applyLevels();
      return Object.fromEntries(taken);
    },
    tail: () => [...tail],
    lines: () =>
      [...counts].flatMap(([component, levels]) =>
        Object.entries(levels).map(([level, count]) => ({ component, level, count })),
      ),
  };
}

/** Tells whether a text names a level. */
export function isLogLevel(text: unknown): text is LogLevel {
  return logLevels.some((level) => level === text);
}

function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { name, message, stack, cause } = error;
  return { name, message, stack, ...(cause === undefined ? {} : { cause: describeError(cause) }) };
}
