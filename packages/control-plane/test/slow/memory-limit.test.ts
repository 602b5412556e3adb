// A control plane in 256 MiB and a fleet of 1,000: it lets in what it has memory for, tells the others so, and is not killed.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { typeUrls } from '@ursa/envoy';
import { connectTo, type TestConnection } from '../xds/ads-client.ts';

const program = join(import.meta.dirname, '../../src/main.ts');
const memory = 256 * 1024 * 1024;
const fleet = 1_000;
const group = `/sys/fs/cgroup/memory/ursa-test-${process.pid}`;
const skip = canLimit() ? false : 'the memory of a process cannot be limited here';

function canLimit(): boolean {
  try {
    mkdirSync(group);
    writeFileSync(join(group, 'memory.limit_in_bytes'), String(memory));
    return true;
  } catch {
    return false;
  }
}

interface Ports {
  readonly http: number;
  readonly dpServer: number;
}

async function startLimited(home: string): Promise<{ readonly child: ChildProcess; readonly ports: Ports }> {
  const script = `echo $$ > ${group}/cgroup.procs; exec "$0" "$@"`;
  const child = spawn('/bin/sh', ['-c', script, process.execPath, program, 'run'], {
    env: {
      PATH: process.env.PATH,
      HOME: home,
      KUMA_API_SERVER_HTTP_PORT: '0',
      KUMA_API_SERVER_HTTPS_ENABLED: 'false',
      KUMA_DP_SERVER_PORT: '0',
      KUMA_DIAGNOSTICS_SERVER_PORT: '0',
      KUMA_DP_SERVER_AUTHN_DP_PROXY_TYPE: 'none',
      KUMA_POLICIES_ENVOY_VALIDATION_ENABLED: 'false',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout });
  const ports = await new Promise<Ports>((resolve) => {
    lines.on('line', (line) => {
      const entry = JSON.parse(line) as { readonly ports?: Ports };
      if (entry.ports !== undefined) resolve(entry.ports);
    });
  });
  return { child, ports };
}

/** What a proxy brings: it calls twenty others. */
const dataplane = (index: number) =>
  JSON.stringify({
    type: 'Dataplane',
    mesh: 'default',
    name: `p-${index}`,
    networking: {
      address: `10.${index >> 8}.${index & 255}.1`,
      inbound: [{ port: 8080, tags: { 'kuma.io/service': `s-${index}`, 'kuma.io/protocol': 'http' } }],
      outbound: Array.from({ length: 20 }, (_, other) => ({
        port: 10_000 + other,
        tags: { 'kuma.io/service': `s-${(index * 7 + other * 13) % fleet}` },
      })),
    },
  });

test('1,000 proxies at a control plane of 256 MiB', { skip, timeout: 300_000 }, async () => {
  const home = mkdtempSync(join(tmpdir(), 'ursa-limit-'));
  const { child, ports } = await startLimited(home);
  const connections: TestConnection[] = [];
  const outcomes: Record<string, number> = {};
  const count = (outcome: string): void => {
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  };
  const join1 = async (index: number): Promise<void> => {
    try {
      const connection = await connectTo(ports.dpServer);
      connections.push(connection);
      const stream = connection.delta();
      stream.send({
        node: { id: `default.p-${index}`, metadata: { 'dataplane.resource': dataplane(index) } },
        typeUrl: typeUrls.cluster,
      });
      stream.send({ typeUrl: typeUrls.listener });
      const end = await Promise.race([
        once(stream.raw, 'data').then(
          () => undefined,
          () => undefined,
        ),
        stream.ended(),
      ]);
      if (end === undefined) return count('served');
      if (end.code === 14) assert.match(end.message, /short of memory|stopping/);
      count(end.code === 14 ? 'told to come again' : `cut off (${end.code})`);
    } catch {
      count('no connection');
    }
  };
  try {
    for (let first = 0; first < fleet; first += 100) {
      await Promise.race([Promise.all(Array.from({ length: 100 }, (_, index) => join1(first + index))), sleep(30_000)]);
    }
    await sleep(2_000);
    assert.deepEqual([child.exitCode, child.signalCode], [null, null], 'it lives');
    const answer = await fetch(`http://127.0.0.1:${ports.http}/meshes/default`, {
      signal: AbortSignal.timeout(20_000),
    });
    assert.equal(answer.status, 200);
    const peak = Number(readFileSync(join(group, 'memory.max_usage_in_bytes'), 'utf8'));
    console.log(`${JSON.stringify(outcomes)}; peak ${Math.round(peak / 1024 / 1024)} of 256 MiB`);
    assert.ok((outcomes.served ?? 0) > 50, JSON.stringify(outcomes));
  } finally {
    for (const connection of connections) connection.close();
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
    await sleep(100);
    rmdirSync(group);
    rmSync(home, { recursive: true });
  }
});
