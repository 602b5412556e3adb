// Proxies that bring their Dataplane along: it comes with them, goes after them, and must be theirs.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { typeUrls } from '@ursa/envoy';
import type { RegistrationDeed } from '../../src/xds/registration.ts';
import { sayGoodbye } from '../../src/xds/taking-traffic.ts';
import { connectTo, type TestConnection } from './ads-client.ts';
import { configurationOf, edsCluster } from './hand-made-mesh.ts';
import { dataplaneSpec, type RunningServer, startServer, until } from './running-server.ts';

const document = (name: string, mesh = 'default', more: object = {}): string =>
  JSON.stringify({ type: 'Dataplane', mesh, name, ...dataplaneSpec(name), ...more });

describe('a proxy that registers itself', () => {
  let running: RunningServer;
  let connection: TestConnection;
  before(async () => {
    running = await startServer({ settings: { 'xdsServer.dataplaneDeregistrationDelay': 30 } });
    connection = await connectTo(running.port);
  });
  after(async () => {
    connection.close();
    await running.stop();
  });

  const connectAs = (id: string, resource: string, over = connection) => {
    const stream = over.delta();
    stream.send({ node: { id, metadata: { 'dataplane.resource': resource } }, typeUrl: typeUrls.cluster });
    return stream;
  };

  test('has its Dataplane while it is connected, and not much longer', async () => {
    running.configure('default/guest', configurationOf(edsCluster('a')));
    const stream = connectAs('default.guest', document('guest'));
    await stream.next();
    const stored = running.get('Dataplane', 'default', 'guest');
    assert.equal(stored?.labels['kuma.io/zone'], 'default');
    stream.cancel();
    await stream.ended();
    await until(() => running.get('Dataplane', 'default', 'guest') === undefined);
  });

  test('keeps its Dataplane when it comes back in time', async () => {
    running.configure('default/back', configurationOf(edsCluster('a')));
    const first = connectAs('default.back', document('back'));
    await first.next();
    first.cancel();
    await first.ended();
    const second = connectAs('default.back', document('back'));
    await second.next();
    await new Promise((wait) => setTimeout(wait, 80));
    assert.notEqual(running.get('Dataplane', 'default', 'back'), undefined);
    second.cancel();
    await second.ended();
  });

  test('keeps its Dataplane for longer when it was sent to another instance', async () => {
    running.configure('default/sent', configurationOf(edsCluster('a')));
    // Its connection goes with the stream.
    const own = await connectTo(running.port);
    const stream = connectAs('default.sent', document('sent'), own);
    await stream.next();
    running.server.sendAway('default/sent');
    await stream.ended();
    await until(() => !running.server.connected().includes('default/sent'));
    await new Promise((wait) => setTimeout(wait, 80));
    assert.notEqual(running.get('Dataplane', 'default', 'sent'), undefined);
    own.close();
  });

  test('stays when its mesh asks for tags that it does not have, also when it connects again; a new one is refused', async () => {
    await running.put({ type: 'Mesh', mesh: '', name: 'guarded', spec: {} });
    running.configure('guarded/early', configurationOf(edsCluster('a')));
    const early = () => connectAs('guarded.early', document('early', 'guarded'));
    const first = early();
    await first.next();
    const dataplaneProxy = { requirements: [{ tags: { team: '*' } }] };
    await running.put({ type: 'Mesh', mesh: '', name: 'guarded', spec: { constraints: { dataplaneProxy } } });
    running.configure('guarded/early', configurationOf(edsCluster('b')));
    await first.next();
    first.cancel();
    await first.ended();
    const second = early();
    await second.next();
    const late = await connectAs('guarded.late', document('late', 'guarded')).ended();
    assert.match(late.message, /meet none of the requirements of mesh "guarded"/);
    second.cancel();
    await second.ended();
  });

  for (const [what, id, resource, reason] of [
    ['of another name', 'default.liar', document('honest'), /has the name "honest", the proxy itself "liar"/],
    ['of another mesh', 'default.liar', document('liar', 'other'), /mesh/],
    ['that is not valid', 'default.liar', document('liar', 'default', { networkin: {} }), /did you mean "?networking/],
    [
      'with a workload that could not be a name',
      'default.liar',
      document('liar', 'default', { labels: { 'kuma.io/workload': 'Pay.All' } }),
      /labels\["kuma.io\/workload"\]: must be a valid DNS-1035 label/,
    ],
    ['that is no YAML', 'default.liar', '{', /the resource of the proxy:1:2: Flow map must end/],
    ['that takes long to read', 'default.liar', '- a\n'.repeat(3_001), /YAML of more than 3000 lines/],
    ['with aliases', 'default.liar', 'a: &a [1]\nb: *a\n', /aliases/],
    ['of a mesh that does not exist', 'nowhere.liar', document('liar', 'nowhere'), /nowhere/],
  ] as const) {
    test(`is refused with a Dataplane ${what}, and told why`, async () => {
      const outcome = await connectAs(id, resource).ended();
      assert.notEqual(outcome.code, 0);
      assert.match(outcome.message, reason);
      assert.equal(running.get('Dataplane', 'default', 'liar'), undefined);
    });
  }
});

/** Connects a proxy over a connection of its own. */
async function connectAlone(running: RunningServer, name: string): Promise<TestConnection> {
  running.configure(`default/${name}`, configurationOf(edsCluster('a')));
  const own = await connectTo(running.port);
  const stream = own.delta();
  const node = { id: `default.${name}`, metadata: { 'dataplane.resource': document(name) } };
  stream.send({ node, typeUrl: typeUrls.cluster });
  await stream.next();
  return own;
}

test('when most connections break at once nobody is deregistered, but who has said goodbye is', async (context) => {
  const running = await startServer({ settings: { 'xdsServer.dataplaneDeregistrationDelay': 30 } });
  context.after(() => running.stop());
  const names = ['one', 'two', 'three', 'left'];
  const connect = (name: string): Promise<TestConnection> => connectAlone(running, name);
  const isThere = (name: string): boolean => running.get('Dataplane', 'default', name) !== undefined;
  const connections = await Promise.all(names.map(connect));
  const left = running.get('Dataplane', 'default', 'left');
  assert.ok(left !== undefined);
  await running.put(sayGoodbye(left));
  for (const each of connections) each.close();
  await until(() => !isThere('left'));
  await new Promise((wait) => setTimeout(wait, 80));
  assert.deepEqual(names.map(isThere), [true, true, true, false]);
  // As many are there as are missing, and one that dies now goes as ever.
  const back = await Promise.all(['one', 'two'].map(connect));
  const late = await connect('late');
  late.close();
  await until(() => !isThere('late'));
  assert.deepEqual(names.map(isThere), [true, true, true, false], 'the leader decides about those that were spared');
  for (const each of back) each.close();
});

test('who is left to the leader, since the store is behind, is missed until it is back: the next one is not alone', async (context) => {
  let isWritten = false;
  const running = await startServer({
    settings: { 'xdsServer.dataplaneDeregistrationDelay': 30 },
    isConnected: () => !isWritten,
  });
  context.after(() => running.stop());
  const names = ['one', 'two'];
  const isThere = (name: string): boolean => running.get('Dataplane', 'default', name) !== undefined;
  const [one, two] = await Promise.all(names.map((name) => connectAlone(running, name)));
  one?.close();
  await until(() => running.server.connected().length === 1);
  await new Promise((wait) => setTimeout(wait, 80));
  isWritten = true;
  two?.close();
  await until(() => running.server.connected().length === 0);
  await new Promise((wait) => setTimeout(wait, 80));
  assert.deepEqual(names.map(isThere), [true, true]);
});

test('what registers, changes and goes is told, and what is refused with the reason; who comes back as it was is not news', async (context) => {
  const deeds: RegistrationDeed[] = [];
  const running = await startServer({
    settings: { 'xdsServer.dataplaneDeregistrationDelay': 30 },
    onRegistration: (deed) => void deeds.push(deed),
  });
  const connection = await connectTo(running.port);
  context.after(async () => {
    connection.close();
    await running.stop();
  });
  running.configure('default/guest', configurationOf(edsCluster('a')));
  const connect = async (resource: string) => {
    const stream = connection.delta();
    const node = { id: 'default.guest', metadata: { 'dataplane.resource': resource } };
    stream.send({ node, typeUrl: typeUrls.cluster });
    return stream;
  };
  const told = () =>
    deeds.map(({ access, key, error }) => `${access} ${key.name}${error === undefined ? '' : ` ${error}`}`);
  const first = await connect(document('guest'));
  await first.next();
  first.cancel();
  const again = await connect(document('guest'));
  await again.next();
  assert.deepEqual(told(), ['CREATE guest']);
  const changed = await connect(document('guest', 'default', { labels: { tier: 'inner' } }));
  await changed.next();
  assert.deepEqual(told(), ['CREATE guest', 'UPDATE guest']);
  const foreign = await connect(document('other'));
  await foreign.ended();
  assert.match(told()[2] ?? '', /^UPDATE guest .*has the name "other"/);
  again.cancel();
  changed.cancel();
  await until(() => told().includes('DELETE guest'));
});
