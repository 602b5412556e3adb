import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Value } from 'typebox/value';
import { computeLabels, formatResource, parseResource, type ResourceDraft, type ResourceType } from '../src/index.ts';
import { exampleOf, exampleTypes } from './examples.ts';
import { types, zoneContext } from './registry.ts';

const writable = types.all.filter((type) => !type.readOnly);

function stored(type: ResourceType, draft: ResourceDraft): Record<string, unknown> {
  const times = { creationTime: '2026-01-01T00:00:00Z', modificationTime: '2026-01-01T00:00:00Z', version: 1 };
  return formatResource(type, { ...draft, labels: computeLabels(type, draft, zoneContext), ...times });
}

test('every type that users write has an example', () => {
  assert.deepEqual(exampleTypes.toSorted(), writable.map((type) => type.name).toSorted());
});

test('an example of every type is read, printed and read again unchanged', () => {
  for (const type of writable) {
    const given = exampleOf(type.name, type.specForm, type.scope);
    const draft = parseResource(types, given, { type: type.name, name: 'example', labels: zoneContext });
    const { type: _type, mesh: _mesh, name: _name, labels: _labels, ...inline } = given;
    assert.deepEqual(draft.spec, type.specForm === 'inline' ? inline : given.spec, type.name);
    const printed = stored(type, draft);
    assert.deepEqual(parseResource(types, printed).spec, draft.spec, type.name);
    assert.equal(printed.type, type.name);
    assert.equal(printed.mesh, type.scope === 'Mesh' ? 'default' : undefined);
  }
});

test('a resource printed as a Kubernetes object is read as the same resource', () => {
  for (const type of writable) {
    const draft = parseResource(types, exampleOf(type.name, type.specForm, type.scope));
    const times = { creationTime: '2026-01-01T00:00:00Z', modificationTime: '2026-01-01T00:00:00Z', version: 1 };
    const object = formatResource(type, { ...draft, ...times }, { format: 'kubernetes' });
    const { spec, mesh, name } = parseResource(types, object);
    assert.deepEqual({ spec, mesh, name }, { spec: draft.spec, mesh: draft.mesh, name: draft.name }, type.name);
  }
});

test('the walker and the schema library agree on what fits', () => {
  for (const type of writable.filter(({ specForm }) => specForm === 'nested')) {
    const given = exampleOf(type.name, type.specForm, type.scope);
    assert.ok(Value.Check(type.spec, given.spec), type.name);
    const wrong = { ...(given.spec as object), unheardOf: 1 };
    assert.equal(Value.Check(type.spec, wrong), false, type.name);
    assert.throws(() => parseResource(types, { ...given, spec: wrong }), { code: 'invalid' }, type.name);
  }
});

test('types with a status show one, filled in as the peers do; a status in a document is ignored', () => {
  const type = types.byName('MeshService');
  assert.ok(type);
  const given = {
    ...exampleOf('MeshService', 'nested', 'Mesh'),
    status: { vips: [{ ip: '1.2.3.4' }] },
    kri: 'x',
    snis: [],
  };
  const printed = stored(type, parseResource(types, given));
  assert.deepEqual(printed.status, { tls: {}, dataplaneProxies: {} });
  assert.deepEqual(printed.snis, [{ port: 80, sni: 'sni.msvc.default.default.example.http' }]);
  assert.deepEqual(Object.keys(printed), [
    'type',
    'mesh',
    'name',
    'creationTime',
    'modificationTime',
    'labels',
    'kri',
    'snis',
    'spec',
    'status',
  ]);
});
