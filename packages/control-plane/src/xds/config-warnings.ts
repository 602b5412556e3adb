// What is wrong with the configurations of connected proxies: logged when the first proxy has it, not again for every other one.
import type { ConfigWarning } from '@ursa/engine';

/** Where warnings are logged. */
interface WarningLog {
  warn(message: string, fields: Readonly<Record<string, unknown>>): void;
}

/** The warnings of all connected proxies. */
export interface ConfigWarnings {
  /** What a proxy's newest configuration carries. */
  report(proxyKey: string, warnings: readonly ConfigWarning[]): void;
  /** The proxy has gone. */
  forget(proxyKey: string): void;
}

/** Opens the warnings, none yet. A warning that ended everywhere is logged again when it comes back. */
export function openConfigWarnings(log: WarningLog): ConfigWarnings {
  const byProxy = new Map<string, ReadonlySet<string>>();
  const holders = new Map<string, number>();
  const none: ReadonlySet<string> = new Set();

  const replace = (proxyKey: string, current: ReadonlySet<string>): void => {
    const before = byProxy.get(proxyKey) ?? none;
    if (current.size === 0) byProxy.delete(proxyKey);
    else byProxy.set(proxyKey, current);
    for (const message of current) {
      if (before.has(message)) continue;
      const count = holders.get(message) ?? 0;
      holders.set(message, count + 1);
      if (count === 0) log.warn('not all of a configuration has effect', { proxy: proxyKey, reason: message });
    }
    for (const message of before) {
      if (current.has(message)) continue;
      const count = (holders.get(message) ?? 1) - 1;
      if (count === 0) holders.delete(message);
      else holders.set(message, count);
    }
  };

  return {
    report: (proxyKey, warnings) =>
      replace(proxyKey, warnings.length === 0 ? none : new Set(warnings.map(({ message }) => message))),
    forget: (proxyKey) => replace(proxyKey, none),
  };
}
