// Which inbounds are behind a port of a MeshService, where its instances do not all listen at the same one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inboundsBehind, type MeshServicePort } from '../src/index.ts';

interface Inbound {
  readonly port: number;
  readonly name?: string;
  readonly protocol?: string;
}

function behind(ports: readonly MeshServicePort[], inbounds: readonly Inbound[], generated = true): number[][] {
  return ports.map((port) =>
    inboundsBehind({ port, ports, generated }, inbounds, ({ protocol = 'http' }) => protocol).map((each) => each.port),
  );
}

const http = (port: number, name = String(port)) => ({ name, port, targetPort: port, appProtocol: 'http' });

test('an instance that listens where the service says is reached there', () => {
  assert.deepEqual(behind([http(80), http(90)], [{ port: 80 }, { port: 90 }]), [[80], [90]]);
});

test('an instance of a generated service that listens elsewhere is reached at its own port', () => {
  assert.deepEqual(behind([http(80)], [{ port: 81 }]), [[81]]);
  assert.deepEqual(behind([http(80), http(90)], [{ port: 81 }, { port: 90 }]), [[81], [90]]);
});

test('names tell which of several ports is meant', () => {
  const ports = [http(80, 'web'), http(90, 'admin')];
  const swapped = [
    { port: 91, name: 'admin' },
    { port: 81, name: 'web' },
  ];
  assert.deepEqual(behind(ports, swapped), [[81], [91]]);
});

test('nothing is guessed: several that could be meant, or another protocol', () => {
  assert.deepEqual(behind([http(80), http(90)], [{ port: 81 }, { port: 91 }]), [[], []]);
  assert.deepEqual(behind([http(80)], [{ port: 81 }, { port: 82 }]), [[]]);
  assert.deepEqual(behind([http(80), http(90)], [{ port: 81 }]), [[], []]);
  assert.deepEqual(behind([http(80)], [{ port: 81, protocol: 'tcp' }]), [[]]);
});

test('what a user wrote is taken by the letter', () => {
  assert.deepEqual(behind([http(80)], [{ port: 81 }], false), [[]]);
  assert.deepEqual(behind([{ port: 80, targetPort: 'web' }], [{ port: 81, name: 'web' }], false), [[81]]);
});
