// Log lines of kuma-dp: one JSON object a line as kuma-cp writes them, or plain text for a terminal. Envoy's lines go through the same door.

/** From least to most urgent. */
export const logLevels = ['debug', 'info', 'warn', 'error', 'off'] as const;

/** How urgent a line must be to be written. */
export type LogLevel = (typeof logLevels)[number];

/** How lines look. */
export type LogFormat = 'json' | 'text';

/** Further facts of a line; values are printed as JSON. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Where the parts of kuma-dp say what they do. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** The log of a part of this one: `envoy`, then `envoy.upstream`. */
  component(name: string): Log;
}

/** What a log writes to and how. */
export interface LogOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  readonly write: (line: string) => void;
  readonly now?: () => Date;
}

/** A log that writes lines of at least the level. */
export function createLog(options: LogOptions, component = 'main'): Log {
  const threshold = logLevels.indexOf(options.level);
  const now = options.now ?? (() => new Date());
  const at =
    (level: Exclude<LogLevel, 'off'>) =>
    (message: string, fields: LogFields = {}) => {
      if (logLevels.indexOf(level) < threshold) return;
      const time = now().toISOString();
      options.write(
        options.format === 'json'
          ? `${JSON.stringify({ level, time, component, ...fields, msg: message })}\n`
          : `${time} ${level.toUpperCase().padEnd(5)} ${component}: ${message}${formatFields(fields)}\n`,
      );
    };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    component: (part) => createLog(options, component === 'main' ? part : `${component}.${part}`),
  };
}

function formatFields(fields: LogFields): string {
  const parts = Object.entries(fields).map(([key, value]) => ` ${key}=${JSON.stringify(value) ?? 'undefined'}`);
  return parts.join('');
}
