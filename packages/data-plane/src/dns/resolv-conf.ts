// The rules of the host's resolver: /etc/resolv.conf (resolv.conf(5)), read again when it changes.
import { readFileSync, statSync } from 'node:fs';
import { isIP } from 'node:net';

/** Which servers are asked, and how. */
export interface ResolverRules {
  /** Addresses in their order, three at most. */
  readonly servers: readonly string[];
  /** Milliseconds that a server has to answer. */
  readonly timeout: number;
  /** How often the list is gone through. */
  readonly attempts: number;
  /** Whether each question begins with another server. */
  readonly rotate: boolean;
}

// The resolver's own default is 5 s, which is also when an application gives up: no other server would be asked in time.
const defaults = { timeout: 2000, attempts: 2 } as const;
const most = { servers: 3, timeout: 30, attempts: 5 } as const;

/** Reads the text of the file. What it does not understand it passes over, as resolvers do. */
export function parseResolvConf(text: string): ResolverRules {
  const servers: string[] = [];
  let { timeout, attempts }: { timeout: number; attempts: number } = defaults;
  let rotate = false;
  for (const line of text.split('\n')) {
    const [word, ...values] = line
      .replace(/[#;].*/, '')
      .trim()
      .split(/\s+/);
    if (word === 'nameserver')
      servers.push(...values.slice(0, 1).filter((address) => isIP(withoutScope(address)) !== 0));
    if (word !== 'options') continue;
    for (const option of values) {
      const [, name, count] = /^(timeout|attempts):(\d{1,4})$/.exec(option) ?? [];
      if (name === 'timeout') timeout = Math.min(Math.max(1, Number(count)), most.timeout) * 1000;
      if (name === 'attempts') attempts = Math.min(Math.max(1, Number(count)), most.attempts);
      if (option === 'rotate') rotate = true;
    }
  }
  return { servers: servers.slice(0, most.servers), timeout, attempts, rotate };
}

function withoutScope(address: string): string {
  return address.replace(/%.*$/, '');
}

/** The rules without servers of this host. */
export function withoutLoopback(rules: ResolverRules): ResolverRules {
  return { ...rules, servers: rules.servers.filter((address) => !address.startsWith('127.') && address !== '::1') };
}

/** How often the file is looked at, in milliseconds. */
const lookEvery = 1000;

/** Rules that follow a file. A file that cannot be read leaves what was known; at first no server. */
export function followResolvConf(path: string, now: () => number): () => ResolverRules {
  let rules = parseResolvConf('');
  let stamp = '';
  let lookedAt = Number.NEGATIVE_INFINITY;
  return () => {
    if (now() - lookedAt < lookEvery) return rules;
    lookedAt = now();
    try {
      const { mtimeMs, size, ino } = statSync(path);
      const found = `${mtimeMs} ${size} ${ino}`;
      if (found !== stamp) rules = parseResolvConf(readFileSync(path, 'utf8'));
      stamp = found;
    } catch {
      // While a file is being replaced it may be gone for a moment.
    }
    return rules;
  };
}
