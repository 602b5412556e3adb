// Hosts of a fault's world: network namespaces on one bridge, whose other end is this process. The process runs in namespaces of its own
// (`run-fault.ts`), so that nothing of all this is seen outside, and nothing is left when it ends.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';

/** A host. */
export interface Host {
  readonly name: string;
  /** Its address on the bridge. */
  readonly address: string;
  /** The command, run on the host. */
  command(words: readonly string[]): readonly string[];
  /** Packets from and to these addresses are dropped without a word, until {@link reconnect}. */
  cutFrom(addresses: readonly string[]): void;
  /** Connections from and to these addresses are reset, and no new ones made, until {@link reconnect}. */
  resetFrom(addresses: readonly string[]): void;
  reconnect(): void;
  /** Pulls the plug: whoever talks to it hears nothing more, not even a goodbye. */
  unplug(): void;
}

/** This process's own address on the bridge. */
export const ownAddress = '10.99.0.1';
const namespaces = '/run/netns';
const bridge = 'mesh0';
// A bridge without an address of its own takes the lowest of its ports: with each new host it may change, and hosts that know the former one hear
// nothing from here until they ask anew, which takes half a minute.
const bridgeMac = '02:00:0a:63:00:01';
let count = 0;

/** Runs a system command to its end. Throws with its words when it fails. */
export function mustRun(command: string, args: readonly string[], input = ''): string {
  const result = spawnSync(command, args, { encoding: 'utf8', input, maxBuffer: 64 << 20 });
  if (result.status !== 0) {
    const words = result.error?.message ?? result.stderr;
    throw new Error(`${command} ${args.join(' ')} failed: ${words}`);
  }
  return result.stdout;
}

/** Makes the bridge. Once, before the first host. */
export function openBridge(): void {
  mkdirSync(namespaces, { recursive: true });
  mustRun('mount', ['-t', 'tmpfs', 'tmpfs', namespaces]);
  mustRun('ip', ['link', 'set', 'lo', 'up']);
  mustRun('ip', ['link', 'add', bridge, 'address', bridgeMac, 'type', 'bridge']);
  mustRun('ip', ['addr', 'add', `${ownAddress}/24`, 'dev', bridge]);
  mustRun('ip', ['link', 'set', bridge, 'up']);
}

/** Adds a host to the bridge. */
export function addHost(name: string): Host {
  count += 1;
  const address = `10.99.0.${10 + count}`;
  const inside = ['-n', name];
  mustRun('ip', ['netns', 'add', name]);
  mustRun('ip', ['link', 'add', `v-${name}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name]);
  mustRun('ip', ['link', 'set', `v-${name}`, 'master', bridge, 'up']);
  mustRun('ip', [...inside, 'link', 'set', 'lo', 'up']);
  mustRun('ip', [...inside, 'addr', 'add', `${address}/24`, 'dev', 'eth0']);
  mustRun('ip', [...inside, 'link', 'set', 'eth0', 'up']);
  const enter = ['nsenter', `--net=${namespaces}/${name}`, '--'];
  const rules = (script: string): string => mustRun('nsenter', [...enter.slice(1), 'nft', '-f', '-'], script);
  return {
    name,
    address,
    command: (words) => [...enter, ...words],
    cutFrom(addresses) {
      const list = addresses.join(', ');
      rules(`table ip cut {
        chain in { type filter hook input priority 0; ip saddr { ${list} } drop; }
        chain out { type filter hook output priority 0; ip daddr { ${list} } drop; }
      }`);
    },
    resetFrom(addresses) {
      const list = addresses.join(', ');
      // Resets that are made here pass the second chain on their way out.
      rules(`table ip cut {
        chain in { type filter hook input priority 0; ip saddr { ${list} } meta l4proto tcp reject with tcp reset; }
        chain out { type filter hook output priority 0; tcp flags rst accept; ip daddr { ${list} } meta l4proto tcp reject with tcp reset; }
      }`);
    },
    reconnect: () => void rules('delete table ip cut'),
    unplug: () => void mustRun('ip', ['link', 'set', `v-${name}`, 'down']),
  };
}
