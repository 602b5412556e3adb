// The proxy's own resource: where it is read from, what is filled in, what is refused.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readProxyResource, renderTemplate } from '../src/dataplane-template.ts';

const base = { inline: '', path: '', variables: {}, proxyType: 'dataplane', mesh: '', name: '' };

test('variables are filled in, and the resource travels as JSON', () => {
  const resource = readProxyResource({
    ...base,
    inline: 'type: Dataplane\nmesh: m\nname: {{ name }}-{{{id}}}\n',
    variables: { name: 'web', id: '7' },
  });
  assert.deepEqual(resource, {
    mesh: 'm',
    name: 'web-7',
    address: '',
    json: '{"type":"Dataplane","mesh":"m","name":"web-7"}',
  });
});

test('a file gives the same as inline text', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kuma-dp-test-'));
  const path = join(folder, 'dataplane.yaml');
  writeFileSync(path, '{"type": "Dataplane", "mesh": "m", "name": "web"}');
  assert.equal(readProxyResource({ ...base, path })?.name, 'web');
  rmSync(folder, { recursive: true });
});

test('without a resource there is nothing to send', () => {
  assert.equal(readProxyResource(base), undefined);
});

test('a variable without a value is an error that names it', () => {
  assert.throws(
    () => renderTemplate('name: {{ nmae }}', { name: 'web' }, 'dp.yaml'),
    /dp\.yaml: "\{\{ nmae \}\}" has no value; give it with -v nmae=…/,
  );
  assert.throws(() => renderTemplate('{{ constructor }}', {}, 'dp.yaml'), /has no value/);
});

test('sections of the template language are refused, not ignored', () => {
  assert.throws(() => renderTemplate('{{# list }}', { list: 'x' }, 'dp.yaml'), /only \{\{ key \}\} is/);
});

test('mesh and name may come from flags, but must not contradict the resource', () => {
  assert.equal(readProxyResource({ ...base, inline: 'type: Dataplane', name: 'web' })?.mesh, 'default');
  assert.equal(readProxyResource({ ...base, inline: 'type: Dataplane\nname: web', name: 'web', mesh: 'm' })?.mesh, 'm');
  assert.throws(
    () => readProxyResource({ ...base, inline: 'type: Dataplane\nname: web', name: 'api' }),
    /says name "web", but --name says "api"/,
  );
  assert.throws(
    () => readProxyResource({ ...base, inline: 'type: Dataplane' }),
    /has no name; add "name: …" or give --name/,
  );
});

test('another type than the proxy needs is refused', () => {
  assert.throws(
    () => readProxyResource({ ...base, inline: 'type: Mesh\nname: x' }),
    /is of type "Mesh", but --proxy-type dataplane needs "type: Dataplane"/,
  );
  assert.throws(
    () => readProxyResource({ ...base, inline: 'type: Dataplane\nname: x', proxyType: 'ingress' }),
    /needs "type: ZoneIngress"/,
  );
});

test('broken YAML is shown with its place', () => {
  assert.throws(
    () => readProxyResource({ ...base, inline: 'type: Dataplane\nname: [web' }),
    /not valid YAML: .* at line 2, column \d+/s,
  );
  assert.throws(
    () => readProxyResource({ ...base, inline: 'type: Dataplane\nname: a\nname: b' }),
    /Map keys must be unique/,
  );
  assert.throws(() => readProxyResource({ ...base, inline: '- 1' }), /must hold one Dataplane/);
});

test('an unreadable file is named', () => {
  assert.throws(
    () => readProxyResource({ ...base, path: '/no/such/file.yaml' }),
    /--dataplane-file: \/no\/such\/file\.yaml cannot be read/,
  );
});
