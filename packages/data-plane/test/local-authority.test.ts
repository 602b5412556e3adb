// By what the control plane of this host is verified, when nobody says it: only where that very control plane is meant.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { localAuthority } from '../src/joining/local-control-plane.ts';

async function openSocket(context: TestContext, status = 200): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'ursa-authority-'));
  const path = join(folder, 'kuma-cp.sock');
  const server = createServer((request, response) => {
    const isKnown = request.method === 'GET' && request.url === '/authority';
    response.writeHead(isKnown ? status : 404).end(JSON.stringify({ url: 'https://localhost:5678', authority: 'PEM' }));
  });
  server.listen({ path });
  await once(server, 'listening');
  context.after(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });
  return path;
}

test('the control plane of this host is asked when its own address is meant', async (context) => {
  const sockets = ['/nowhere/kuma-cp.sock', await openSocket(context)];
  for (const address of ['https://localhost:5678', 'https://127.0.0.1:5678/', 'https://[::1]:5678'])
    assert.equal(await localAuthority(sockets, new URL(address)), 'PEM', address);
  for (const address of ['https://localhost:5679', 'http://localhost:5678', 'https://192.0.2.1:5678'])
    assert.equal(await localAuthority(sockets, new URL(address)), undefined, address);
});

test('one that is not there, or knows nothing of it, changes nothing', async (context) => {
  const address = new URL('https://localhost:5678');
  assert.equal(await localAuthority(['/nowhere/kuma-cp.sock'], address), undefined);
  assert.equal(await localAuthority([await openSocket(context, 404)], address), undefined);
});
