// The whole control plane in this process, over loopback, on ports of the system's choice.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { MeshError } from '@ursa/resources';
import type { Component } from '../src/component.ts';
import { openControlPlane } from '../src/compose.ts';
import { defaultSettings } from '../src/config/load-settings.ts';
import { openLog } from '../src/log.ts';
import { runComponents } from '../src/run-components.ts';

const log = openLog('off', { write: () => {} });
const anyPort = {
  'apiServer.http.port': 0,
  'apiServer.http.interface': '127.0.0.1',
  'apiServer.https.port': 0,
  'apiServer.https.interface': '127.0.0.1',
  'dpServer.port': 0,
  'diagnostics.serverPort': 0,
};

test('a control plane starts, is ready, serves and stops; another one finds what it left', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ursa-cp-'));
  const settings = defaultSettings({ ...anyPort, 'general.workDir': folder });
  const first = await openControlPlane(settings, log);
  const running = await runComponents(first.components, log.component('test'));
  const api = `http://127.0.0.1:${first.api.ports.http}`;
  const secrets = await waitUntilReady(`http://127.0.0.1:${first.diagnostics.port}/ready`, `${api}/globalsecrets`);
  assert.deepEqual(secrets, [
    'admin-user-token',
    'envoy-admin-ca',
    'inter-cp-ca',
    'user-token-signing-key-1',
    'zone-token-signing-key-1',
  ]);
  const body = JSON.stringify({ type: 'Mesh', name: 'other' });
  const created = await fetch(`${api}/meshes/other`, {
    method: 'PUT',
    body,
    headers: { 'content-type': 'application/json' },
  });
  assert.equal(created.status, 201);
  const names = (await (await fetch(`${api}/meshes`)).json()) as { items: { name: string }[] };
  assert.deepEqual(
    names.items.map(({ name }) => name),
    ['default', 'other'],
  );
  const config = await (await fetch(`${api}/config`)).text();
  assert.ok(config.includes('"password": "*****"'));
  await running.stop(10_000);
  await assert.rejects(fetch(`${api}/meshes`));

  const second = await openControlPlane(settings, log);
  const again = await runComponents(second.components, log.component('test'));
  const found = await fetch(`http://127.0.0.1:${second.api.ports.http}/meshes/other`);
  assert.equal(found.status, 200);
  await again.stop(10_000);
  rmSync(folder, { recursive: true });
});

/** Asks until the control plane is ready, then for the names at another address. Not ready means: it says what is missing. */
async function waitUntilReady(readyUrl: string, listUrl: string): Promise<readonly string[]> {
  for (;;) {
    const answer = await fetch(readyUrl);
    if (answer.status === 200) break;
    const { reasons } = (await answer.json()) as { readonly reasons: Readonly<Record<string, string>> };
    assert.deepEqual(reasons, { secrets: 'keys and authorities are being made' });
  }
  const { items } = (await (await fetch(listUrl)).json()) as { items: readonly { readonly name: string }[] };
  return items.map(({ name }) => name);
}

test('what is not built yet is refused by the name of its setting', async () => {
  for (const [path, value, env] of [
    ['mode', 'global', 'KUMA_MODE'],
    ['multizone.zone.globalAddress', 'grpcs://global:5685', 'KUMA_MULTIZONE_ZONE_GLOBAL_ADDRESS'],
    ['environment', 'kubernetes', 'KUMA_ENVIRONMENT'],
    ['store.type', 'kubernetes', 'KUMA_STORE_TYPE'],
  ] as const) {
    await assert.rejects(
      openControlPlane(defaultSettings({ [path]: value }), log),
      (error: unknown) => error instanceof MeshError && error.code === 'unsupported' && error.message.includes(env),
    );
  }
});

function part(
  name: string,
  calls: string[],
  fault: { start?: boolean; stop?: boolean; hang?: boolean } = {},
): Component {
  return {
    name,
    async start() {
      calls.push(`start ${name}`);
      if (fault.start === true) throw new Error(`${name} cannot start`);
    },
    async stop() {
      calls.push(`stop ${name}`);
      if (fault.stop === true) throw new Error(`${name} cannot stop`);
      if (fault.hang === true) await new Promise(() => {});
    },
  };
}

test('components stop in reverse, also when one of them fails or hangs', async () => {
  const calls: string[] = [];
  const parts = [part('a', calls), part('b', calls, { stop: true }), part('c', calls, { hang: true })];
  const running = await runComponents(parts, log.component('test'));
  await running.stop(20);
  assert.deepEqual(calls, ['start a', 'start b', 'start c', 'stop c', 'stop b', 'stop a']);
});

test('when a component cannot start, those before it are stopped and its error is told', async () => {
  const calls: string[] = [];
  const parts = [part('a', calls), part('b', calls, { start: true }), part('c', calls)];
  await assert.rejects(runComponents(parts, log.component('test')), /b cannot start/);
  assert.deepEqual(calls, ['start a', 'start b', 'stop a']);
});
