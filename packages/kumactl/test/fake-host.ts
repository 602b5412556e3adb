// A host in memory: its files, and an iptables that has no rules and takes all.
import type { Host, ProgramResult } from '../src/transparent-proxy/host.ts';

/** What a test says of the host, and sees of it. */
export interface FakeHost extends Host {
  readonly files: Map<string, string>;
  /** What iptables-restore got, in order. */
  readonly restored: string[];
}

/** What differs from a Linux host with root, both families, and the user kuma-dp. */
export interface HostFacts {
  readonly platform?: NodeJS.Platform;
  readonly isRoot?: boolean;
  readonly programs?: readonly string[];
  readonly files?: Readonly<Record<string, string>>;
  readonly links?: Readonly<Record<string, string>>;
}

const usualPrograms = ['iptables', 'ip6tables']
  .flatMap((prefix) => ['', '-save', '-restore'].map((ending) => `/sbin/${prefix}-nft${ending}`))
  .concat('/sbin/ip');

const usualFiles = {
  '/etc/passwd': 'root:x:0:0::/root:/bin/sh\nkuma-dp:x:777:777::/:/bin/false\n',
  '/etc/resolv.conf': 'nameserver 10.0.0.53\n',
  '/proc/net/if_inet6': '00000000000000000000000000000001 01 80 10 80       lo\n',
};

/** Makes one. */
export function fakeHost({
  platform = 'linux',
  isRoot = true,
  programs = usualPrograms,
  ...given
}: HostFacts = {}): FakeHost {
  const files = new Map(Object.entries({ ...usualFiles, ...given.files }));
  const links = new Map(Object.entries(given.links ?? {}));
  const restored: string[] = [];
  const answer = (stdout: string): ProgramResult => ({ status: 0, stdout, stderr: '' });
  return {
    ...{ platform, isRoot, files, restored },
    run(program, args, { input = '' } = {}) {
      if (args[0] === '--version') return answer('iptables v1.8.9 (nf_tables)\n');
      if (program.endsWith('-restore')) restored.push(input);
      return args.includes('-C') ? { status: 1, stdout: '', stderr: '' } : answer('');
    },
    find: (program) => programs.find((path) => path === program || path.endsWith(`/${program}`)),
    read: (path) => files.get(path),
    write: (path, content) => void files.set(path, content),
    remove: (path) => void files.delete(path),
    list: (path) => [
      ...new Set(
        [...files.keys(), ...links.keys()]
          .filter((file) => file.startsWith(`${path}/`))
          .map((file) => file.slice(path.length + 1).split('/')[0] ?? ''),
      ),
    ],
    readLink: (path) => links.get(path) ?? '',
    loopback: () => 'lo',
    pause: async () => {},
  };
}
