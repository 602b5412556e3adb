// Two control planes at one address, as behind a balancer of connections: the kernel gives new connections to either by turns. In a network namespace
// of its own, which goes when the last process in it has ended.
import { root, run } from './process.ts';

const variable = 'URSA_BENCH_BALANCED';

/** Whether this process, and all that it starts, is behind the balancer. */
export const isBalanced = process.env[variable] === 'true';

/** Runs a script again behind the balancer, as root; connections to the first port go to either. Ends with its exit code. */
export function runBalanced(script: string, args: readonly string[], ports: readonly [number, number]): number {
  const [first, second] = ports;
  const rules = `table ip balancer {
    chain output {
      type nat hook output priority -100;
      tcp dport ${first} dnat to 127.0.0.1:numgen inc mod 2 map { 0 : ${first}, 1 : ${second} }
    }
  }`;
  const prepare = 'ip link set lo up; printf %s "$1" | nft -f -; shift; exec "$@"';
  return run('unshare', ['--net', '--', 'sh', '-ec', prepare, 'balancer', rules, process.execPath, script, ...args], {
    cwd: root,
    env: { ...process.env, [variable]: 'true' },
  });
}
