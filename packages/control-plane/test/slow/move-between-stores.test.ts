// `kumactl export | kumactl apply` takes everything from the embedded store to PostgreSQL and back: real control planes, the real command.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openControlPlane } from '../../src/compose.ts';
import { loadSettings } from '../../src/config/load-settings.ts';
import { openLog } from '../../src/log.ts';
import { runComponents } from '../../src/run-components.ts';
import { openPostgresServer, postgresMissing } from '../postgres-server.ts';

const log = openLog('off', { write: () => undefined });
const folder = mkdtempSync(join(tmpdir(), 'ursa-move-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const content = `
type: Mesh
name: shop
skipCreatingInitialPolicies: ['*']
mtls:
  enabledBackend: ca
  backends: [{ name: ca, type: builtin }]
---
type: Secret
mesh: shop
name: password
data: c2VjcmV0
---
type: MeshTimeout
mesh: shop
name: slow
labels: { team: web }
spec:
  targetRef: { kind: Mesh }
  to: [{ targetRef: { kind: Mesh }, default: { connectionTimeout: 7s } }]
---
type: MeshTrafficPermission
mesh: shop
name: all
spec: { from: [{ targetRef: { kind: Mesh }, default: { action: Allow } }] }
---
type: Dataplane
mesh: shop
name: web-1
networking:
  address: 10.0.0.1
  inbound: [{ port: 80, tags: { kuma.io/service: web, kuma.io/protocol: http } }]
---
type: MeshExternalService
mesh: shop
name: weather
spec:
  match: { type: HostnameGenerator, port: 443, protocol: tcp }
  endpoints: [{ address: weather.example.com, port: 443 }]
`;

const ports = {
  KUMA_API_SERVER_HTTP_PORT: '0',
  KUMA_API_SERVER_HTTP_INTERFACE: '127.0.0.1',
  KUMA_API_SERVER_HTTPS_PORT: '0',
  KUMA_API_SERVER_HTTPS_INTERFACE: '127.0.0.1',
  KUMA_DP_SERVER_PORT: '0',
  KUMA_DIAGNOSTICS_SERVER_PORT: '0',
  KUMA_INTER_CP_SERVER_PORT: '0',
};

const program = join(import.meta.dirname, '../../../kumactl/src/main.ts');
const everything = ['export', '--profile', 'all', '--include-admin'];

/** Runs kumactl; a command that fails fails the test with what it said. */
type Kumactl = (args: readonly string[], input?: string) => Promise<string>;

function kumactlOf(address: string): Kumactl {
  const configFile = join(folder, `${new URL(address).port}.yaml`);
  const controlPlanes = [{ name: 'one', coordinates: { apiServer: { url: address } } }];
  const contexts = [{ name: 'one', controlPlane: 'one' }];
  writeFileSync(configFile, JSON.stringify({ controlPlanes, contexts, currentContext: 'one' }));
  return async (args, input = '') => {
    const child = spawn(process.execPath, [program, '--config-file', configFile, ...args]);
    child.stdin.end(input);
    const [output, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
    assert.equal(code, 0, `kumactl ${args.join(' ')}: ${errors}`);
    return output;
  };
}

/** A control plane with the store of the environment, as long as the work takes. */
async function withControlPlane<Result>(
  env: Readonly<Record<string, string>>,
  work: (kumactl: Kumactl) => Promise<Result>,
): Promise<Result> {
  const { settings } = loadSettings({ env: { ...ports, ...env } });
  const plane = await openControlPlane(settings, log);
  const running = await runComponents(plane.components, log.component('test'));
  try {
    return await work(kumactlOf(`http://127.0.0.1:${plane.api.ports.http}`));
  } finally {
    await running.stop(10_000);
  }
}

/** Without the labels that a control plane sets by itself: secrets that it made get them when they are applied. */
function essence(output: string): string {
  return output.replaceAll(/^ {2}kuma\.io\/(?:env|mesh|origin|zone): .*\n/gm, '').replaceAll(/^labels:\n(?! )/gm, '');
}

/** What is exported, once it is what is expected: keys and addresses are made by and by. */
async function exported(kumactl: Kumactl, expected: (output: string) => boolean): Promise<string> {
  for (let tries = 0; ; tries += 1) {
    const output = essence(await kumactl(everything));
    if (expected(output) || tries > 10) return output;
    await sleep(200);
  }
}

const name = 'everything moves from the embedded store to PostgreSQL and back, and is the same';
if (postgresMissing !== undefined) test(name, { skip: postgresMissing });
else {
  const server = await openPostgresServer();
  after(() => server.remove());

  test(name, async () => {
    const embedded = (place: string) => ({ KUMA_STORE_TYPE: 'embedded', KUMA_GENERAL_WORK_DIR: join(folder, place) });
    const before = await withControlPlane(embedded('before'), async (kumactl) => {
      await kumactl(['apply', '-f', '-'], content);
      const isWhole = (output: string) =>
        [
          'data: c2VjcmV0',
          'name: slow',
          'name: web-1',
          'user-token-signing-key',
          'shop.ca-builtin-cert-ca',
          'dataplane-token-signing-key',
        ].every((word) => output.includes(word));
      const output = await exported(kumactl, isWhole);
      assert.ok(isWhole(output), output);
      return output;
    });
    const postgres = { ...server.env(await server.createStore()), KUMA_GENERAL_WORK_DIR: join(folder, 'work') };
    await withControlPlane(postgres, async (kumactl) => {
      await kumactl(['apply', '-f', '-'], before);
      assert.equal(await exported(kumactl, (output) => output === before), before);
    });
    // Another process finds it there, too.
    const moved = await withControlPlane(postgres, (kumactl) => kumactl(everything));
    assert.equal(essence(moved), before);
    await withControlPlane(embedded('after'), async (kumactl) => {
      await kumactl(['apply', '-f', '-'], moved);
      assert.equal(await exported(kumactl, (output) => output === before), before);
    });
  });
}
