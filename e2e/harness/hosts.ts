// Hosts for stories about redirected traffic: network namespaces on one bridge, with users of their own. The story runs inside of a network and a
// mount namespace, so that nothing of it is left. Needs root.
import assert from 'node:assert/strict';
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findEnvoy } from '@ursa/data-plane';
import { type ChildProcess, startProcess } from '../../examples/demo/child-process.ts';
import type { ControlPlane, ResourceDocument } from '../../examples/demo/control-plane.ts';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { programs } from './world.ts';

const root = join(import.meta.dirname, '../..');
/** Holds the folder for what hosts share; set inside. */
const mark = 'URSA_HOSTS_FOLDER';

/** Users: that of kuma-dp, that of applications, and one more. */
export const users = { kumaDp: 5678, application: 1000, other: 1001 } as const;

/** Why there can be no hosts on this machine; false when there can. */
export function hostsMissing(): string | false {
  if (process.getuid?.() !== 0) return 'only root makes network namespaces';
  const needed = ['unshare', 'ip', 'iptables-nft', 'iptables-legacy', 'setpriv', 'curl'];
  const missing = needed.filter((name) => spawnSync('which', [name]).status !== 0);
  return missing.length === 0 ? false : `needs ${missing.join(', ')}`;
}

/** Whether this process is inside already. */
export const isInside = process.env[mark] !== undefined;

/** Runs a file of tests inside. */
export function runInside(file: string): void {
  const folder = mkdtempSync(join(tmpdir(), 'ursa-hosts-'));
  const environment: NodeJS.ProcessEnv = { ...process.env, [mark]: folder };
  // The inner tests report to us, not to the runner.
  delete environment.NODE_TEST_CONTEXT;
  const { status, stdout, stderr } = spawnSync('unshare', ['--net', '--mount', process.execPath, file], {
    env: environment,
    encoding: 'utf8',
  });
  // All that was in it was mounted inside.
  rmdirSync(folder);
  assert.equal(status, 0, `${stdout}\n${stderr}`);
}

/** How a command ended. */
export interface Outcome {
  readonly code: number;
  readonly output: string;
}

/** A server: what it speaks, where it listens, and the name that it says. */
export type PlainServer = readonly [kind: 'http' | 'tcp', address: string, port: number, name: string];

/** One host. */
export interface Host {
  readonly name: string;
  readonly ipv4: string;
  readonly ipv6: string;
  /** Runs a command to its end, as root or another user. */
  run(command: readonly string[], uid?: number): Promise<Outcome>;
  /** Runs a line of bash as root; throws when it fails. */
  shell(script: string): Promise<string>;
  start(name: string, command: readonly string[], uid: number): ChildProcess;
  /** Starts servers that know nothing of a mesh. */
  serve(...servers: readonly PlainServer[]): ChildProcess;
  /** Starts a DNS server that knows these names. */
  serveDns(names: Readonly<Record<string, string>>): ChildProcess;
  /** Starts kuma-dp as its own user, with `--transparent-proxy` unless told otherwise, and waits until Envoy serves. */
  startProxy(controlPlane: ControlPlane, dataplane: ResourceDocument, transparent?: boolean): Promise<HostProxy>;
}

/** A proxy on a host. */
export interface HostProxy {
  readonly process: ChildProcess;
  /** What Envoy's admin interface answers. */
  admin(path: string): Promise<string>;
}

/** All hosts, and their names. */
export interface Hosts {
  /** Address of the machine that the test runs on, among the hosts. */
  readonly ipv4: string;
  /** A folder that all of them see. */
  readonly folder: string;
  /** Words of a command of this clone as every user may run them. */
  visible(words: readonly string[]): readonly string[];
  /** Envoy's executable, for every user. */
  readonly envoy: string;
  add(name: string, number: number): Host;
  /** Which DNS servers stand in /etc/resolv.conf of all of them. At first there is none. */
  setDnsServers(...addresses: readonly string[]): void;
}

function run(program: string, ...args: string[]): void {
  execFileSync(program, args, { stdio: 'pipe' });
}

/** Prepares the network. Once in a process, and only inside. With `ipv6Only` nothing but the hosts' own loopbacks has an IPv4 address. */
export function openHosts({ ipv6Only = false } = {}): Hosts {
  const folder = process.env[mark] ?? '';
  run('mount', '-t', 'tmpfs', '-o', 'mode=0755', 'tmpfs', folder);
  const shared = shareFiles(folder);
  mkdirSync('/run/netns', { recursive: true });
  run('mount', '-t', 'tmpfs', 'tmpfs', '/run/netns');
  run('ip', 'link', 'set', 'lo', 'up');
  run('sysctl', '-qw', 'net.ipv6.conf.default.accept_dad=0', 'net.ipv6.conf.all.accept_dad=0');
  run('ip', 'link', 'add', 'bridge', 'type', 'bridge');
  run('ip', 'link', 'set', 'bridge', 'up');
  const own = addressOf(1);
  if (ipv6Only) run('ip', '-4', 'address', 'flush', 'dev', 'lo');
  else run('ip', 'address', 'add', `${own.ipv4}/24`, 'dev', 'bridge');
  run('ip', '-6', 'address', 'add', `${own.ipv6}/64`, 'dev', 'bridge', 'nodad');
  return {
    ...{ ipv4: own.ipv4, folder, envoy: shared.envoy },
    visible: (words) => words.map(shared.visible),
    add: (name, number) => addHost({ name, number, ipv6Only }, folder, shared),
    setDnsServers(...addresses) {
      writeFileSync(shared.resolvConf, addresses.map((address) => `nameserver ${address}\n`).join(''));
    },
  };
}

function addressOf(number: number): { readonly ipv4: string; readonly ipv6: string } {
  return { ipv4: `10.77.0.${number}`, ipv6: `fd77::${number}` };
}

interface SharedFiles {
  readonly resolvConf: string;
  readonly envoy: string;
  /** Where this clone is for users who may not enter its folder. */
  visible(word: string): string;
}

/** Other users than root may not be able to enter the folder of this clone, nor that of Envoy: they get them at a place of their own. */
function shareFiles(folder: string): SharedFiles {
  const bind = (from: string, name: string, isFile: boolean): string => {
    const to = join(folder, name);
    if (isFile) writeFileSync(to, '');
    else mkdirSync(to);
    run('mount', '--bind', from, to);
    return to;
  };
  const clone = bind(root, 'clone', false);
  const node = bind(process.execPath, 'node', true);
  const envoy = bind(findEnvoy('envoy', process.env, root), 'envoy', true);
  const passwd = join(folder, 'passwd');
  copyFileSync('/etc/passwd', passwd);
  appendFileSync(passwd, `kuma-dp:x:${users.kumaDp}:${users.kumaDp}::/nonexistent:/usr/sbin/nologin\n`);
  run('mount', '--bind', passwd, '/etc/passwd');
  // Names come from DNS alone.
  const hostsFile = join(folder, 'hosts');
  writeFileSync(hostsFile, '127.0.0.1 localhost\n');
  run('mount', '--bind', hostsFile, '/etc/hosts');
  const resolvConf = join(folder, 'resolv.conf');
  writeFileSync(resolvConf, '');
  run('mount', '--bind', resolvConf, '/etc/resolv.conf');
  return {
    ...{ resolvConf, envoy },
    visible: (word) =>
      word === process.execPath ? node : word.startsWith(root) ? clone + word.slice(root.length) : word,
  };
}

interface HostPlace {
  readonly name: string;
  readonly number: number;
  readonly ipv6Only: boolean;
}

function addHost({ name, number, ipv6Only }: HostPlace, folder: string, shared: SharedFiles): Host {
  const { ipv4, ipv6 } = addressOf(number);
  const inside = ['ip', 'netns', 'exec', name];
  run('ip', 'netns', 'add', name);
  run(
    'ip',
    'netns',
    'exec',
    name,
    'sysctl',
    '-qw',
    'net.ipv6.conf.default.accept_dad=0',
    'net.ipv6.conf.all.accept_dad=0',
  );
  run('ip', 'link', 'add', `to-${name}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
  run('ip', 'link', 'set', `to-${name}`, 'master', 'bridge', 'up');
  for (const device of ['lo', 'eth0']) run('ip', '-n', name, 'link', 'set', device, 'up');
  if (!ipv6Only) run('ip', '-n', name, 'address', 'add', `${ipv4}/24`, 'dev', 'eth0');
  run('ip', '-n', name, '-6', 'address', 'add', `${ipv6}/64`, 'dev', 'eth0', 'nodad');
  // Virtual addresses need a route: packets without one are refused before any rule sees them.
  if (!ipv6Only) run('ip', '-n', name, 'route', 'add', 'default', 'via', addressOf(1).ipv4);
  run('ip', '-n', name, '-6', 'route', 'add', 'default', 'via', addressOf(1).ipv6);
  const as = (uid: number): readonly string[] =>
    uid === 0 ? inside : [...inside, 'setpriv', '--reuid', String(uid), '--regid', String(uid), '--clear-groups'];
  const host: Host = {
    ...{ name, ipv4, ipv6 },
    run: (command, uid = 0) => runToEnd([...as(uid), ...command.map(shared.visible)]),
    async shell(script) {
      const kumactl = programs.kumactl.map((word) => `'${word}'`).join(' ');
      const { code, output } = await runToEnd([
        ...inside,
        'bash',
        '-c',
        `set -e\nkumactl() { ${kumactl} "$@"; }\n${script}`,
      ]);
      assert.equal(code, 0, output);
      return output;
    },
    start: (title, command, uid) =>
      startProcess({
        name: title,
        command: as(uid),
        args: command.map(shared.visible),
        // All of them are one kernel, which would say the same of each.
        environment: { HOME: folder, KUMA_DATAPLANE_MACHINE_ID: name },
      }),
    serve: (...servers) => {
      const program = join(root, 'e2e/harness/plain-server.ts');
      const words = servers.flat().map(String);
      return host.start(`servers of ${name}`, [process.execPath, program, ...words], users.application);
    },
    serveDns(names) {
      const program = join(root, 'e2e/harness/dns-program.ts');
      const words = Object.entries(names).map(([known, address]) => `${known}=${address}`);
      return host.start(`DNS of ${name}`, [process.execPath, program, ipv4, ...words], 0);
    },
    startProxy: (controlPlane, dataplane, transparent = true) =>
      startProxy(host, { controlPlane, dataplane, transparent, folder, envoy: shared.envoy, ipv6Only }),
  };
  return host;
}

interface ProxyStart {
  readonly controlPlane: ControlPlane;
  readonly dataplane: ResourceDocument;
  readonly transparent: boolean;
  readonly folder: string;
  readonly envoy: string;
  readonly ipv6Only: boolean;
}

async function startProxy(
  host: Host,
  { controlPlane, dataplane, transparent, folder, envoy, ipv6Only }: ProxyStart,
): Promise<HostProxy> {
  const { name } = dataplane;
  const file = (ending: string, content: string): string => {
    const path = join(folder, `${name}.${ending}`);
    writeFileSync(path, content, { mode: 0o600 });
    chownSync(path, users.kumaDp, users.kumaDp);
    return path;
  };
  const workDir = join(folder, name);
  mkdirSync(workDir);
  chownSync(workDir, users.kumaDp, users.kumaDp);
  const ca = join(folder, `${name}.crt`);
  copyFileSync(controlPlane.caCertFile, ca);
  chmodSync(ca, 0o644);
  const addresses = controlPlane.dataPlaneUrl.split(',').map((address) => {
    const url = new URL(address);
    // The machine that the test runs on. Others are named as they are.
    if (url.hostname === 'localhost') url.hostname = ipv6Only ? `[${addressOf(1).ipv6}]` : addressOf(1).ipv4;
    return url.origin;
  });
  const process = host.start(
    `kuma-dp ${name}`,
    [
      ...programs.dataPlane,
      ...[
        'run',
        '--cp-address',
        addresses.join(','),
        '--ca-cert-file',
        ca,
        '--work-dir',
        workDir,
        '--binary-path',
        envoy,
      ],
      ...['--dataplane-file', file('yaml', JSON.stringify(dataplane))],
      ...(transparent ? ['--transparent-proxy'] : []),
      ...['--dataplane-token-file', file('token', await controlPlane.dataplaneToken('default', name))],
      ...['--concurrency', '1', '--drain-time', '1s', '--envoy-log-level', 'warning'],
    ],
    users.kumaDp,
  );
  const admin = async (path: string): Promise<string> => {
    const socket = join(workDir, 'kuma-envoy-admin.sock');
    const { code, output } = await host.run(['curl', '-sf', '-m', '5', '--unix-socket', socket, `http://envoy${path}`]);
    if (code !== 0) throw new Error(`Envoy of ${name} does not answer ${path}`);
    return output;
  };
  await waitFor(`${name} serves`, async () => !process.running() || (await admin('/ready')).includes('LIVE'), {
    within: 60_000,
  });
  assert.ok(process.running(), process.output());
  return { process, admin };
}

function runToEnd([program = '', ...args]: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(program, args, { encoding: 'utf8', maxBuffer: 16 << 20 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
      resolve({ code, output: `${stdout}${stderr}` });
    });
  });
}
