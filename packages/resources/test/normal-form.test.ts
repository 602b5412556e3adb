import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseResource } from '../src/index.ts';
import { exampleOf } from './examples.ts';
import { types } from './registry.ts';

function parseSpec(document: Record<string, unknown>): unknown {
  return parseResource(types, { mesh: 'default', name: 'a', ...document }).spec;
}

test('durations are stored as they are printed: Go form in the newer types, seconds in the older', () => {
  const identity = exampleOf('MeshIdentity', 'nested', 'Mesh');
  const provider = {
    type: 'Bundled',
    bundled: { autogenerate: { enabled: true }, certificateParameters: { expiry: '90m' } },
  };
  assert.deepEqual(parseSpec({ ...identity, spec: { provider } }), {
    provider: { ...provider, bundled: { ...provider.bundled, certificateParameters: { expiry: '1h30m0s' } } },
  });
  const timeout = parseSpec({
    ...exampleOf('Timeout', 'inline', 'Mesh'),
    conf: { connectTimeout: '1h', tcp: { idleTimeout: '1500ms' } },
  });
  assert.deepEqual((timeout as { conf: unknown }).conf, { connectTimeout: '3600s', tcp: { idleTimeout: '1.500s' } });
});

test('older types leave out what equals the protobuf default, and keep what a wrapper says', () => {
  const mesh = parseSpec({
    type: 'Mesh',
    mtls: { enabledBackend: '', backends: [] },
    meshServices: { mode: 'Disabled' },
    networking: { outbound: { passthrough: false } },
    routing: { zoneEgress: false },
  });
  assert.deepEqual(mesh, { mtls: {}, networking: { outbound: { passthrough: false } }, routing: {}, meshServices: {} });
});

test('numbers of older types may be quoted', () => {
  const spec = parseSpec({ type: 'ZoneEgress', networking: { address: '10.0.0.1', port: '10002' } });
  assert.deepEqual(spec, { networking: { address: '10.0.0.1', port: 10002 } });
});

test('null stands for a field that is not given', () => {
  assert.deepEqual(parseSpec({ type: 'Mesh', mtls: null, labels: null }), {});
});

test('defaults of the newer types are filled in', () => {
  assert.deepEqual(parseSpec({ type: 'MeshService', spec: { ports: [{ port: 80 }] } }), {
    state: 'Unavailable',
    ports: [{ port: 80, appProtocol: 'tcp' }],
  });
});

test('a duration that cannot be read is refused with the text of the peers and the field', () => {
  const spec = { provider: { type: 'Spire', spire: { agent: { timeout: '12 parsecs' } } } };
  assert.throws(() => parseSpec({ type: 'MeshIdentity', spec }), {
    code: 'malformed',
    message: 'invalid MeshIdentity object: "time: invalid duration \\"12 parsecs\\""',
    violations: [{ field: 'spec.provider.spire.agent.timeout', message: 'time: invalid duration "12 parsecs"' }],
  });
});

test('a secret that is not base64 is refused with the byte at fault', () => {
  assert.throws(() => parseSpec({ type: 'Secret', data: '%%%' }), {
    code: 'malformed',
    message: 'invalid Secret object: "illegal base64 data at input byte 0"',
  });
  assert.deepEqual(parseSpec({ type: 'Secret', data: 'aGk=' }), { data: 'aGk=' });
});
