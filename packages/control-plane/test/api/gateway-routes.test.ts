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
