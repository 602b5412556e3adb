// Two claims on one host name: who has it, and what the status of the other one says.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Condition, MeshServiceStatus } from '@ursa/resources';
import { type GeneratorRun, startGenerators } from './mesh-services.ts';

const generator = (name: string, selector: string, template: string, origin?: string) => ({
  type: 'HostnameGenerator',
  name,
  ...(origin === undefined ? {} : { labels: { 'kuma.io/origin': origin } }),
  spec: { selector: { [selector]: {} }, template },
});
const meshService = (name: string, meshName = 'm1') => ({
  type: 'MeshService',
  mesh: meshName,
  name,
  spec: { selector: { dataplaneTags: { 'kuma.io/service': name } }, ports: [{ port: 80 }] },
});
const externalService = (name: string) => ({
  type: 'MeshExternalService',
  mesh: 'm1',
  name,
  spec: {
    match: { type: 'HostnameGenerator', port: 443, protocol: 'tcp' },
    endpoints: [{ address: '192.0.2.1', port: 443 }],
  },
});

function statusOf(run: GeneratorRun, type: string, key: string): MeshServiceStatus {
  return (run.live.resources(type).get(key)?.status ?? {}) as MeshServiceStatus;
}
const hostnames = (status: MeshServiceStatus) => (status.addresses ?? []).map(({ hostname }) => hostname);
const conditionOf = (status: MeshServiceStatus, name: string): Condition | undefined => {
  const given = status.hostnameGenerators?.find(({ hostnameGeneratorRef }) => hostnameGeneratorRef.coreName === name);
  return given?.conditions?.[0] as Condition | undefined;
};

test('of two services the older one has the name; the status of the other says who has it, and it gets it when that one goes', async () => {
  const run = await startGenerators();
  // The second in the order of names is the older one.
  await run.apply({ type: 'Mesh', name: 'm1' }, { type: 'Mesh', name: 'm2' });
  await run.apply(meshService('b'));
  await new Promise((resolve) => setTimeout(resolve, 5));
  await run.apply(meshService('a'));
  await run.apply(generator('same', 'meshService', '{{ .Mesh }}.example'));
  await run.settle();
  assert.deepEqual(hostnames(statusOf(run, 'MeshService', 'm1/b')), ['b.svc.mesh.local', 'm1.example']);
  const loser = statusOf(run, 'MeshService', 'm1/a');
  assert.deepEqual(hostnames(loser), ['a.svc.mesh.local']);
  assert.deepEqual(conditionOf(loser, 'same'), {
    type: 'Generated',
    status: 'False',
    reason: 'Collision',
    message: 'Hostname collision with MeshService: b, which has m1.example by HostnameGenerator same',
  });
  await run.apply(meshService('c', 'm2'));
  await run.settle();
  assert.deepEqual(hostnames(statusOf(run, 'MeshService', 'm2/c')), ['c.svc.mesh.local', 'm2.example']);
  await run.delete('MeshService', 'm1', 'b');
  await run.settle();
  assert.deepEqual(hostnames(statusOf(run, 'MeshService', 'm1/a')), ['a.svc.mesh.local', 'm1.example']);
  assert.equal(conditionOf(statusOf(run, 'MeshService', 'm1/a'), 'same')?.status, 'True');
  await run.stop();
});

test('of two generators that of the zone goes first, then the older one, across kinds of services', async () => {
  const run = await startGenerators();
  await run.apply({ type: 'Mesh', name: 'm1' }, meshService('pay'), externalService('pay'));
  await run.apply(generator('a-global', 'meshService', '{{ .DisplayName }}.example', 'global'));
  await run.apply(generator('b-zone', 'meshExternalService', '{{ .DisplayName }}.example', 'zone'));
  await run.settle();
  assert.deepEqual(hostnames(statusOf(run, 'MeshExternalService', 'm1/pay')), ['pay.example', 'pay.extsvc.mesh.local']);
  const loser = statusOf(run, 'MeshService', 'm1/pay');
  assert.deepEqual(hostnames(loser), ['pay.svc.mesh.local']);
  assert.equal(
    conditionOf(loser, 'a-global')?.message,
    'Hostname collision with MeshExternalService: pay, which has pay.example by HostnameGenerator b-zone',
  );
  await run.delete('HostnameGenerator', '', 'b-zone');
  await run.settle();
  assert.deepEqual(hostnames(statusOf(run, 'MeshService', 'm1/pay')), ['pay.example', 'pay.svc.mesh.local']);
  await run.stop();
});

test('two generators that give one service the same name are no collision', async () => {
  const run = await startGenerators();
  await run.apply({ type: 'Mesh', name: 'm1' }, meshService('pay'));
  await run.apply(generator('one', 'meshService', 'pay.example'), generator('two', 'meshService', 'pay.example'));
  await run.settle();
  const status = statusOf(run, 'MeshService', 'm1/pay');
  assert.deepEqual(
    ['one', 'two'].map((name) => conditionOf(status, name)?.status),
    ['True', 'True'],
  );
  await run.stop();
});
