// The border to the machine: everything a command reads or prints goes through here, so that tests run commands in process.

import type { Host } from './transparent-proxy/host.ts';

/** What a command may use of the machine. */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The user's home folder, where the configuration file is by default. */
  readonly home: string;
  print(text: string): void;
  printError(text: string): void;
  readInput(): Promise<string>;
  /** Milliseconds since 1970. */
  now(): number;
  /** The host whose traffic `install transparent-proxy` redirects; the one this process runs on when undefined. */
  readonly host?: Host;
}
