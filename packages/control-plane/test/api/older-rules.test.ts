// The older form of a data plane's rules: by tags, once for each inbound and each destination.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openDefault } from './documents.ts';

const timeout = (name: string, spec: object) => ({ type: 'MeshTimeout', mesh: 'default', name, spec });
const dataplane = {
  type: 'Dataplane',
  mesh: 'default',
  name: 'web-1',
  networking: {
    address: '192.168.0.1',
    inbound: [{ port: 8080, tags: { 'kuma.io/service': 'web', 'kuma.io/protocol': 'http' } }],
    outbound: [
      { port: 10001, tags: { 'kuma.io/service': 'api' } },
      { port: 10002, tags: { 'kuma.io/service': 'db' } },
      { port: 10003, address: '127.0.0.2', tags: { 'kuma.io/service': 'api' } },
    ],
  },
};
const default1 = { connectionTimeout: '1s' };
const policies = [
  timeout('all', { targetRef: { kind: 'Mesh' }, from: [{ targetRef: { kind: 'Mesh' }, default: default1 }] }),
  timeout('to-api', {
    targetRef: { kind: 'Mesh' },
    to: [{ targetRef: { kind: 'MeshService', name: 'api' }, default: { connectionTimeout: '2s' } }],
  }),
];
const trace = {
  type: 'MeshTrace',
  mesh: 'default',
  name: 'traced',
  spec: { default: { backends: [{ type: 'Zipkin', zipkin: { url: 'http://zipkin.example:9411/api' } }] } },
};

test('each rule says where it holds, for whom, what, and which policies made it', async () => {
  const { ask } = await openDefault();
  for (const document of [dataplane, ...policies, trace]) {
    const path = { Dataplane: 'dataplanes', MeshTimeout: 'meshtimeouts', MeshTrace: 'meshtraces' }[document.type];
    const { status, text } = await ask('PUT', `/meshes/default/${path}/${document.name}`, document);
    assert.equal(status, 201, text);
  }
  const { status, body } = await ask('GET', '/meshes/default/dataplanes/web-1/rules');
  assert.equal(status, 200);
  interface Item {
    readonly type: string;
    readonly name: string;
    readonly addresses: readonly string[];
    readonly policyType: string;
    readonly subset: object;
    readonly conf: Readonly<Record<string, unknown>>;
    readonly origins: readonly object[];
  }
  const items: readonly Item[] = body.items;
  assert.equal(body.total, items.length);
  const origin = (name: string) => [{ mesh: 'default', name }];
  const of = (type: string) => items.filter((item) => item.type === type);
  const [single] = of('SingleItem');
  assert.deepEqual([single?.policyType, single?.name, single?.origins], ['MeshTrace', '', origin('traced')]);
  const [toApi, ...others] = of('DestinationSubset');
  assert.deepEqual(others, []);
  assert.deepEqual(
    [toApi?.name, toApi?.addresses, toApi?.subset, toApi?.conf.connectionTimeout, toApi?.origins],
    ['api', ['127.0.0.1:10001', '127.0.0.2:10003'], { 'kuma.io/service': 'api' }, '2s', origin('to-api')],
  );
  const [ofClients] = of('ClientSubset');
  assert.match(ofClients?.name ?? '', /^web-[0-9a-f]{16}$/);
  assert.deepEqual([ofClients?.addresses, ofClients?.subset, ofClients?.conf], [['192.168.0.1:8080'], {}, default1]);
  assert.equal((await ask('GET', '/meshes/default/dataplanes/none/rules')).status, 404);
});
