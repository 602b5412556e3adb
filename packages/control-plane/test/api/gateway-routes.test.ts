// Which Dataplanes serve a built-in gateway.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openDefault } from './documents.ts';

const gatewayDataplane = (name: string, service: string, type = 'BUILTIN', tags: object = {}) => ({
  type: 'Dataplane',
  mesh: 'default',
  name,
  networking: { address: '192.168.0.1', gateway: { type, tags: { 'kuma.io/service': service, ...tags } } },
});
const meshGateway = (name: string, match: object) => ({
  type: 'MeshGateway',
  mesh: 'default',
  name,
  selectors: [{ match }],
  conf: { listeners: [{ port: 8080, protocol: 'HTTP' }] },
});

test('the Dataplanes of a gateway are those that no other gateway names more exactly', async () => {
  const { ask } = await openDefault();
  const documents = [
    meshGateway('edge', { 'kuma.io/service': 'edge' }),
    meshGateway('edge-east', { 'kuma.io/service': 'edge', region: 'east' }),
    meshGateway('edge-any', { 'kuma.io/service': '*' }),
    gatewayDataplane('edge-1', 'edge'),
    gatewayDataplane('edge-2', 'edge', 'BUILTIN', { region: 'east' }),
    gatewayDataplane('other-1', 'other'),
    gatewayDataplane('own-1', 'edge', 'DELEGATED'),
  ];
  for (const document of documents) {
    const path = document.type === 'Dataplane' ? 'dataplanes' : 'meshgateways';
    const { status, text } = await ask('PUT', `/meshes/default/${path}/${document.name}`, document);
    assert.equal(status, 201, text);
  }
  for (const [gateway, dataplane] of [
    ['edge', 'edge-1'],
    ['edge-east', 'edge-2'],
    ['edge-any', 'other-1'],
  ]) {
    const { status, body } = await ask('GET', `/meshes/default/meshgateways/${gateway}/dataplanes`);
    assert.equal(status, 200);
    assert.deepEqual(body, { items: [{ dataplane: { mesh: 'default', name: dataplane } }], total: 1 });
  }
  assert.equal((await ask('GET', '/meshes/default/meshgateways/none/dataplanes')).status, 404);
});

test('the rules of a gateway are those of the policies that name it, whether a Dataplane serves it or not', async () => {
  const { ask } = await openDefault();
  const timeout = (name: string, gateway: string) => ({
    type: 'MeshTimeout',
    mesh: 'default',
    name,
    spec: {
      targetRef: { kind: 'MeshGateway', name: gateway },
      to: [{ targetRef: { kind: 'Mesh' }, default: { connectionTimeout: '3s' } }],
    },
  });
  await ask('PUT', '/meshes/default/meshgateways/edge', meshGateway('edge', { 'kuma.io/service': 'edge' }));
  for (const document of [timeout('of-edge', 'edge'), timeout('of-another', 'another')]) {
    const { status, text } = await ask('PUT', `/meshes/default/meshtimeouts/${document.name}`, document);
    assert.equal(status, 201, text);
  }
  const { status, body } = await ask('GET', '/meshes/default/meshgateways/edge/_rules');
  assert.equal(status, 200);
  assert.equal(body.resource.name, 'edge');
  const rules = body.rules.flatMap(({ toRules }: { toRules: unknown[] }) => toRules);
  const names = rules.flatMap(({ origin }: { origin: { name: string }[] }) => origin.map(({ name }) => name));
  assert.ok(names.includes('of-edge') && !names.includes('of-another'), names.join(', '));
  assert.equal((await ask('GET', '/meshes/default/meshgateways/none/_rules')).status, 404);
});
