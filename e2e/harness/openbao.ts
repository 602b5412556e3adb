// A real OpenBao, which speaks Vault's API: in memory, on a free port, with a PKI secrets engine that is set up for a mesh.
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { startProcess } from '../../examples/demo/child-process.ts';
import { freePort } from '../../examples/demo/free-ports.ts';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { findTool } from '../../scripts/tools/collectors.ts';

/** A running OpenBao. Who administers it needs no other token than `root`. */
export interface OpenBao {
  readonly address: string;
  /** Certificate that it is known by, where it speaks TLS. */
  readonly caCertFile: string;
  /** Makes a call as its administrator; gives the answer. Errors: with OpenBao's own words. */
  call(method: string, path: string, body?: object): Promise<Readonly<Record<string, unknown>>>;
  /** Runs its command line as the administrator. */
  run(...args: readonly string[]): string;
  /** Holds it up as if the machine did not answer, and lets it go on. */
  signal(signal: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): void;
  stop(): Promise<void>;
}

export interface OpenBaoOptions {
  readonly tls?: boolean;
  /** Default: a free one. */
  readonly port?: number;
}

/** Starts it. `folder`: for its files. */
export async function startOpenBao(folder: string, { tls = false, port }: OpenBaoOptions = {}): Promise<OpenBao> {
  const { path, absent } = findTool('bao');
  if (absent !== undefined) throw new Error(absent);
  const chosen = port ?? (await freePort());
  const files = join(folder, `openbao-${chosen}`);
  mkdirSync(files, { recursive: true });
  const options = ['-dev-root-token-id=root', `-dev-listen-address=127.0.0.1:${chosen}`, '-dev-no-store-token'];
  const server = startProcess({
    name: 'openbao',
    command: [path],
    args: ['server', tls ? '-dev-tls' : '-dev', ...(tls ? [`-dev-tls-cert-dir=${files}`] : []), ...options],
    environment: { HOME: files },
  });
  const address = `${tls ? 'https' : 'http'}://127.0.0.1:${chosen}`;
  const caCertFile = join(files, 'vault-ca.pem');
  const environment = { PATH: process.env.PATH ?? '', HOME: files, BAO_ADDR: address, BAO_TOKEN: 'root' };
  const run = (...args: readonly string[]): string =>
    execFileSync(path, args, {
      env: { ...environment, ...(tls ? { BAO_CACERT: caCertFile } : {}) },
      encoding: 'utf8',
      timeout: 20_000,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  await waitFor(
    'OpenBao serves',
    () => {
      if (!server.running()) throw new Error(`OpenBao ended: ${server.output()}`);
      return server.output().includes('Development mode should NOT be used') && run('status').includes('Sealed');
    },
    { within: 30_000 },
  );
  return {
    address,
    caCertFile,
    run,
    async call(method, path, body) {
      const answer = await fetch(`${address}/v1/${path}`, {
        method,
        headers: { 'x-vault-token': 'root', 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await answer.text();
      if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
      return text === '' ? {} : JSON.parse(text);
    },
    signal: (signal) => server.signal(signal),
    async stop() {
      // One that was held up cannot be asked to end.
      server.signal('SIGCONT');
      await server.stop();
    },
  };
}

/** The PKI secrets engine of a mesh, as the guide sets it up, with a policy named as its mount. */
export function setUpPki(bao: OpenBao, mesh: string, mount: string): void {
  bao.run('secrets', 'enable', `-path=${mount}`, '-max-lease-ttl=87600h', 'pki');
  bao.run(
    'write',
    `${mount}/root/generate/internal`,
    `common_name=${mount}`,
    `uri_sans=spiffe://${mesh}`,
    'ttl=87600h',
  );
  const names = [`allowed_uri_sans=spiffe://${mesh}/*,kuma://*`, 'require_cn=false'];
  bao.run('write', `${mount}/roles/dataplane`, ...names, 'key_type=ec', 'key_bits=256', 'max_ttl=720h');
  const rules = `path "${mount}/issue/dataplane" { capabilities = ["create", "update"] }`;
  execPolicy(bao, mount, rules);
}

function execPolicy(bao: OpenBao, name: string, rules: string): void {
  bao.run('write', `sys/policies/acl/${name}`, `policy=${rules}`);
}

/** A token that may have certificates of the mount issued. */
export function issueToken(bao: OpenBao, mount: string, ...options: readonly string[]): string {
  return bao.run('token', 'create', `-policy=${mount}`, '-orphan', '-field=token', ...options).trim();
}
