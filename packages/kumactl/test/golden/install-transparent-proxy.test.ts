// The golden set of `kumactl install transparent-proxy --dry-run`: rules and refusals, with the masks that the set is made with.
import { openHost } from '../../src/transparent-proxy/host.ts';
import { run } from '../terminal.ts';
import { type GoldenCase, type GoldenCheck, type GoldenPlace, testGoldenSet } from './golden-set.ts';

interface InstallCase extends GoldenCase {
  readonly args: readonly string[];
  readonly expectedStdout?: string;
  readonly stderrEquals?: string;
  readonly stderrContains?: string;
}

/** The rules depend on the host's loopback and on what its iptables can do, which the masks hide. Who may log in into it does not belong here. */
const host = { ...openHost(), read: (path: string) => (path.startsWith('/proc/net/tcp') ? '' : openHost().read(path)) };

async function checks(golden: InstallCase, place: GoldenPlace): Promise<readonly GoldenCheck[]> {
  const { code, stdout, stderr } = await run(golden.args, { host });
  if (golden.expectedStdout !== undefined) {
    return [
      { name: 'stdout', actual: mask(stdout), expected: place.read(golden.expectedStdout) },
      { name: 'stderr', actual: withoutRemarks(stderr), expected: '' },
    ];
  }
  const { stderrEquals, stderrContains = '' } = golden;
  return [
    { name: 'refused', actual: code !== 0, expected: true },
    stderrEquals === undefined
      ? { name: 'reason', actual: stderr.includes(stderrContains), expected: true }
      : { name: 'reason', actual: withoutRemarks(stderr), expected: stderrEquals },
  ];
}

function mask(text: string): string {
  return text
    .replaceAll(/ -o \S+/g, ' -o ifPlaceholder')
    .replaceAll(/-m comment --comment ".*?" /g, '')
    .replaceAll(/(-I OUTPUT \d+ -p udp --dport 53 -m owner --uid-owner \d+ -j )\S+$/gm, '$1dnsJumpTargetPlaceholder');
}

function withoutRemarks(text: string): string {
  return text
    .split('\n')
    .filter((line) => !/no usable iptables was found|only root sees/.test(line))
    .join('\n');
}

testGoldenSet<InstallCase>('kumactl-install-tproxy', { checks, passing: 22 });
