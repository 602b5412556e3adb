// What is asked of several instances: roll-outs of all, naming who is silent, and questions that are passed on to who has the connection.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProxyId } from '@ursa/engine';
import { MeshError } from '@ursa/resources';
import { askOthers } from '../../src/api/diff/ask-others.ts';
import { type DescribedProxies, mergeProxies } from '../../src/api/diff/described-proxies.ts';
import type { FollowRollout } from '../../src/api/follow-rollout.ts';
import { notFound } from '../../src/api/http/failure.ts';
import type { Call, Route } from '../../src/api/http/route.ts';
import { forwardedRoutes } from '../../src/api/instances/forwarded-routes.ts';
import { gatherRollout } from '../../src/api/instances/gathered-rollout.ts';
import type { CallHandler, InstanceCalls } from '../../src/instances/calls.ts';
import type { Instances, KnownInstance } from '../../src/instances/instances.ts';
import type { ProxyRollout, ProxyState } from '../../src/xds/rollout.ts';
import { openApiFixture } from './api-fixture.ts';

/** Instances that reach each other without a network; who is in `silent` does not answer. */
function openInstances(...ids: readonly string[]) {
  const handlers = new Map<string, CallHandler>();
  const silent = new Set<string>();
  const known = ids.map((id) => ({ id, proxies: 2 }) as KnownInstance);
  const callsOf = (id: string): InstanceCalls => ({
    answer: (name, handler) => void handlers.set(`${id} ${name}`, handler),
    async ask(instance, name, question) {
      if (silent.has(instance.id)) throw new MeshError('unavailable', `the instance ${instance.id} did not answer`);
      return JSON.parse(
        JSON.stringify(await handlers.get(`${instance.id} ${name}`)?.(JSON.parse(JSON.stringify(question)))),
      );
    },
  });
  const at = (self: string): { instances: Instances; calls: InstanceCalls } => ({
    instances: {
      self,
      list: () => known,
      isLiving: () => true,
      living: async () => new Set(ids),
      onGone: () => ({ stop: () => undefined }),
    },
    calls: callsOf(self),
  });
  return { at, silent };
}

const proxy = (name: string, state: ProxyState, more: Partial<ProxyRollout> = {}): ProxyRollout => ({
  proxy: { type: 'Dataplane', mesh: 'default', name },
  state,
  ...more,
});
const following =
  (processed: number, ...proxies: readonly ProxyRollout[]): FollowRollout =>
  async () => ({ processed, proxies });

test('a roll-out is that of all instances; one that does not answer is named', async () => {
  const world = openInstances('one', 'two', 'three');
  const ask = gatherRollout(following(9, proxy('web', 'acked')), world.at('one'));
  gatherRollout(following(7, proxy('api', 'pending'), proxy('web', 'pending')), world.at('two'));
  gatherRollout(following(8), world.at('three'));
  const question = { revision: 7, wait: 0 };
  const whole = await ask(question);
  assert.equal(whole.processed, 7, 'as far as the last one');
  assert.deepEqual(
    whole.proxies.map(({ proxy: { name }, state }) => [name, state]),
    [
      ['api', 'pending'],
      ['web', 'pending'],
    ],
  );
  assert.deepEqual(whole.silent, []);
  world.silent.add('two');
  const part = await ask(question);
  assert.deepEqual(part.silent, [{ instance: 'two', reason: 'the instance two did not answer' }]);
  assert.equal(part.processed, 8);
});

test('a refusal at one instance ends the wait at all', async () => {
  const world = openInstances('one', 'two');
  const waits: number[] = [];
  const ask = gatherRollout(async ({ wait }) => {
    waits.push(wait);
    if (wait > 0) await new Promise(() => undefined);
    return { processed: 5, proxies: [proxy('web', 'pending')] };
  }, world.at('one'));
  const refusal = { type: 'listener', resource: 'in', revision: 5, message: 'no', since: 0 } as const;
  gatherRollout(following(5, proxy('api', 'refused', { refusals: [refusal] })), world.at('two'));
  const view = await ask({ revision: 5, wait: 60_000 });
  assert.deepEqual(waits, [60_000, 0]);
  assert.deepEqual(
    view.proxies.map(({ state }) => state),
    ['refused', 'pending'],
  );
});

test('a question about a proxy goes to the instance with its connection, and the answer comes back as it was', async () => {
  const world = openInstances('one', 'two');
  const routeOf = (id: string): Route => ({
    ...{ method: 'GET', path: '/meshes/{mesh}/dataplanes/{name}/_config', summary: '', tag: '', answers: {} },
    handle: ({ params, query, user }) => {
      if (params.name === 'unknown') throw notFound('No such proxy');
      return {
        status: 200,
        body: `${id} ${params.name} ${query.get('shadow')} ${user.name}`,
        contentType: 'text/plain',
      };
    },
  });
  const holders: Readonly<Record<string, string>> = { far: 'two', unknown: 'two', lost: 'three' };
  const holderOf = ({ name }: ProxyId) => holders[name];
  const [route] = forwardedRoutes([routeOf('one')], { ...world.at('one'), holderOf });
  forwardedRoutes([routeOf('two')], { ...world.at('two'), holderOf: () => undefined });
  const ask = async (name: string) =>
    await route?.handle({
      ...{ method: 'GET', url: '/', params: { mesh: 'default', name }, query: new URLSearchParams('shadow=true') },
      ...{
        user: { name: 'jane', groups: [] },
        origin: '',
        header: () => undefined,
        body: { text: '', contentType: '' },
      },
    } as unknown as Call);
  assert.deepEqual(await ask('near'), { status: 200, body: 'one near true jane', contentType: 'text/plain' });
  assert.deepEqual(await ask('far'), { status: 200, body: 'two far true jane', contentType: 'text/plain' });
  assert.equal((await ask('lost'))?.body, 'one lost true jane', 'who is gone has no connections');
  await assert.rejects(ask('unknown'), { status: 404, title: 'No such proxy' });
  world.silent.add('two');
  await assert.rejects(ask('far'), { code: 'unavailable', message: /two/ });
});

test('who asks for what another instance has is asked here already whether he may, as the audit of this one tells', async () => {
  const world = openInstances('one', 'two');
  const asked: string[] = [];
  const routeAt = (id: string, mayPass: boolean): Route => ({
    ...{ method: 'GET', path: '/stats', tag: '', summary: '', answers: {} },
    authorize({ user }) {
      asked.push(`${id} ${user.name}`);
      if (!mayPass) throw new MeshError('forbidden', 'not you');
    },
    handle: () => ({ status: 200, body: id }),
  });
  const call = { method: 'GET', url: '/', params: { mesh: 'default', name: 'far' }, query: new URLSearchParams() };
  const user = { name: 'jane', groups: [] };
  const ask = async (route: Route | undefined) => await route?.handle({ ...call, user } as unknown as Call);
  const holderOf = () => 'two';
  forwardedRoutes([routeAt('two', true)], { ...world.at('two'), holderOf: () => undefined });
  const [open] = forwardedRoutes([routeAt('one', true)], { ...world.at('one'), holderOf });
  assert.equal((await ask(open))?.body, 'two');
  assert.deepEqual(asked, ['one jane']);
  const [closed] = forwardedRoutes([routeAt('one', false)], { ...world.at('one'), holderOf });
  await assert.rejects(ask(closed), { code: 'forbidden' });
});

test('the instances are shown, also of a control plane that is alone', async () => {
  const { ask } = openApiFixture();
  const { body } = await ask('GET', '/_instances');
  const { items } = body as { readonly items: readonly Readonly<Record<string, unknown>>[] };
  assert.deepEqual(
    items.map(({ id, status, leader, proxies }) => [id, status, leader, proxies]),
    [['host-1', 'Online', true, 1]],
  );
});

test('a diff says whose proxies it could not compare', async () => {
  const { at } = openInstances('host-1', 'host-2');
  const { instances } = at('host-1');
  const list = () => instances.list().map((each) => ({ ...each, proxies: 7 }));
  const { ask } = openApiFixture({}, undefined, { instances: { ...instances, list } });
  const { body } = await ask('POST', '/_diff', { resources: [{ type: 'Mesh', name: 'other' }] });
  const { warnings } = body as { readonly warnings: readonly { readonly message: string }[] };
  assert.deepEqual(
    warnings.map(({ message }) => message),
    ['7 proxies of the instance host-2 of the control plane could not be compared: there are no other instances'],
  );
});

const changed = (name: string) => ({
  type: 'cluster',
  name,
  action: 'changed' as const,
  fields: [{ path: 'connectTimeout', before: '10s', after: '5s' }],
});
const described = (names: readonly string[], ...groups: DescribedProxies['groups']): DescribedProxies => ({
  compared: groups.flatMap(({ proxies }) => proxies).length,
  groups,
  moreGroups: 0,
  moreProxies: 0,
  names: { cluster: names },
  warnings: [['port 80 is taken', groups.flatMap(({ proxies }) => proxies)]],
});

test('a diff is that of the proxies of all instances; one that does not answer is named with how many it has', async () => {
  const world = openInstances('one', 'two', 'three');
  const question = { body: { text: '{}', contentType: 'application/json' }, user: { name: 'jane', groups: [] } };
  const asked: unknown[] = [];
  const nobody = async (): Promise<DescribedProxies> => assert.fail('it asks itself');
  const ask = askOthers(world.at('one'), nobody);
  askOthers(world.at('two'), async (given) => {
    asked.push(given);
    return described(['api'], { proxies: ['default/web-2'], resources: [changed('api')] });
  });
  world.silent.add('three');
  const { proxies, silent } = await ask(question);
  assert.deepEqual(asked, [question]);
  assert.equal(proxies.length, 1);
  assert.deepEqual(silent, [{ instance: 'three', proxies: 2, reason: 'the instance three did not answer' }]);
});

test('proxies of several instances to which the same would happen are one group', () => {
  const merged = mergeProxies([
    described(
      ['api', 'shop'],
      { proxies: ['default/web-1'], resources: [changed('api')] },
      { proxies: ['default/web-9'], resources: [changed('shop')] },
    ),
    described(['api'], { proxies: ['default/web-2', 'default/web-3'], resources: [changed('api')] }),
  ]);
  assert.equal(merged.compared, 4);
  assert.deepEqual(
    merged.groups.map(({ proxies }) => proxies),
    [['default/web-1', 'default/web-2', 'default/web-3'], ['default/web-9']],
  );
  assert.deepEqual(merged.names, { cluster: ['api', 'shop'] });
  assert.deepEqual(merged.warnings, [
    ['port 80 is taken', ['default/web-1', 'default/web-9', 'default/web-2', 'default/web-3']],
  ]);
});

test('groups that are too many to describe are counted, with their proxies', () => {
  const many = (from: number, count: number): DescribedProxies => ({
    ...described(
      [],
      ...Array.from({ length: count }, (_, index) => ({
        proxies: [`default/web-${from + index}`],
        resources: [changed(`service-${from + index}`)],
      })),
    ),
    moreGroups: 3,
    moreProxies: 7,
  });
  const merged = mergeProxies([many(0, 60), many(100, 60)]);
  assert.deepEqual([merged.groups.length, merged.moreGroups, merged.moreProxies], [100, 26, 34]);
});

test('an egress and an ingress of one name are asked for at the instance that each is connected to', async () => {
  const world = openInstances('one', 'two', 'three');
  const holderOf = ({ proxyType, name }: ProxyId) => (name === 'edge' && proxyType === 'ingress' ? 'two' : 'three');
  const routesAt = (id: string): readonly Route[] =>
    ['zoneingresses', 'zoneegresses'].map((path) => ({
      ...{ method: 'GET', path: `/${path}/{name}/stats`, tag: '', summary: '', answers: {} },
      handle: () => ({ status: 200, body: id }),
    }));
  for (const id of ['two', 'three']) forwardedRoutes(routesAt(id), { ...world.at(id), holderOf: () => undefined });
  const routes = forwardedRoutes(routesAt('one'), { ...world.at('one'), holderOf });
  const call = { method: 'GET', url: '/', params: { name: 'edge' }, query: new URLSearchParams() };
  const user = { name: 'jane', groups: [] };
  const answers = await Promise.all(routes.map((route) => route.handle({ ...call, user } as unknown as Call)));
  assert.deepEqual(
    answers.map(({ body }) => body),
    ['two', 'three'],
  );
});
