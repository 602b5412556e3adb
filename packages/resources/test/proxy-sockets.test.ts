import assert from 'node:assert/strict';
import { test } from 'node:test';
import { proxySocketPath } from '../src/index.ts';

test('the socket of a proxy has its name and that of its mesh', () => {
  const proxy = { name: 'web', mesh: 'default' };
  assert.equal(proxySocketPath('/tmp/dp', 'kuma-al', proxy), '/tmp/dp/kuma-al-web-default.sock');
});

test('its path is cut where the peers cut it, and stays within what the kernel takes', () => {
  const proxy = { name: 'a'.repeat(253), mesh: 'default' };
  const path = proxySocketPath('/tmp/dp', 'kuma-mh', proxy);
  assert.equal(path, `/tmp/dp/kuma-mh-${'a'.repeat(98 - '/tmp/dp/kuma-mh-'.length)}.sock`);
  // In a folder that still has room for the other sockets, and whose name is longer in bytes than in letters.
  const deep = `/${'ü'.repeat(38)}`;
  const [logs, metrics] = (['kuma-al', 'kuma-mh'] as const).map((kind) => proxySocketPath(deep, kind, proxy));
  assert.ok(Buffer.byteLength(metrics ?? '') <= 107);
  assert.notEqual(logs, metrics);
});
