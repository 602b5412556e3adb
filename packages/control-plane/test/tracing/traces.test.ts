// One trace for a write: the request, the store, the derivation, the pushes by batch, and the roll-out to the last answer.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Span } from '@ursa/telemetry';
import { openMemoryStore } from '../../src/store/memory-store.ts';
import { openChangeTraces } from '../../src/tracing/change-traces.ts';
import { newTrace, parseTraceParent } from '../../src/tracing/trace-context.ts';
import { traceStore } from '../../src/tracing/traced-store.ts';
import { openTracer } from '../../src/tracing/tracer.ts';
import { put } from '../store-contract.ts';

const caller = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const request = { method: 'PUT', route: '/meshes/{mesh}/meshtimeouts/{name}', traceParent: caller };

function open(samplingPercent = 100) {
  const spans: Span[] = [];
  const tracer = openTracer({ add: (span) => spans.push(span), samplingPercent });
  const changes = openChangeTraces(tracer);
  const store = traceStore(openMemoryStore(), tracer, (revision, place) => changes.written(revision, place));
  // What the graph does with each change, before the write returns.
  const applies = (proxies: number) =>
    store.changes((list) => {
      const revision = list.at(-1)?.revision;
      if (revision === undefined) return;
      changes.worked(3, 42);
      changes.applied(revision, proxies);
    });
  return { spans, tracer, changes, store, applies };
}

const named = (spans: readonly Span[], name: string) => spans.filter((span) => span.name === name);
const attributesOf = (span: Span | undefined) => Object.fromEntries(span?.attributes ?? []);
const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

test('a caller’s header is read by the rules of W3C', () => {
  assert.deepEqual(parseTraceParent(caller), {
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: 'b7ad6b7169203331',
    sampled: true,
  });
  assert.equal(parseTraceParent(caller.replace(/01$/, '00'))?.sampled, false);
  assert.equal(parseTraceParent(`${caller}-future`)?.sampled, true);
  for (const broken of [
    undefined,
    '',
    'hello',
    caller.toUpperCase(),
    caller.replace('00-', 'ff-'),
    caller.replace('0af7651916cd43dd8448eb211c80319c', '0'.repeat(32)),
    caller.replace('b7ad6b7169203331', '0'.repeat(16)),
  ])
    assert.equal(parseTraceParent(broken), undefined, broken);
});

test('the share of traces that are recorded is about what was asked for', () => {
  const recorded = (percent: number) =>
    Array.from({ length: 2000 }, () => newTrace(percent)).filter(({ sampled }) => sampled).length;
  assert.deepEqual([recorded(0), recorded(100)], [0, 2000]);
  const half = recorded(50);
  assert.ok(half > 800 && half < 1200, String(half));
});

test('a write is one trace to its last answer', async () => {
  const { spans, tracer, changes, store, applies } = open();
  applies(2);
  const answer = await tracer.request(request, async () => {
    await store.write([put('a', 1)]);
    return { status: 201 };
  });
  assert.deepEqual(answer, { status: 201 });
  const [one, two] = [{}, {}];
  changes.pushed?.(1, 100, one);
  changes.pushed?.(1, 50, two);
  changes.pushed?.(1, 10, two);
  await nextTurn();
  changes.pushed?.(1, 7, one);
  changes.arrived({ revision: 1, proxies: 2, refused: 0, gone: 0, milliseconds: 5 });
  assert.deepEqual(
    spans.map(({ name }) => name),
    ['store.write', 'derive', 'PUT /meshes/{mesh}/meshtimeouts/{name}', 'push', 'push', 'rollout'],
  );
  assert.equal(new Set(spans.map(({ traceId }) => traceId)).size, 1);
  const [server] = named(spans, 'PUT /meshes/{mesh}/meshtimeouts/{name}');
  const [rollout] = named(spans, 'rollout');
  assert.equal(server?.parentSpanId, 'b7ad6b7169203331');
  assert.equal(server?.kind, 'server');
  assert.equal(attributesOf(server)['http.response.status_code'], 201);
  for (const name of ['store.write', 'rollout']) assert.equal(named(spans, name)[0]?.parentSpanId, server?.spanId);
  for (const span of [...named(spans, 'derive'), ...named(spans, 'push')])
    assert.equal(span.parentSpanId, rollout?.spanId);
  assert.deepEqual(attributesOf(named(spans, 'derive')[0]), { 'mesh.recomputed': 42, 'mesh.proxies': 2 });
  assert.deepEqual(named(spans, 'push').map(attributesOf), [
    { 'mesh.proxies': 2, 'mesh.responses': 3, 'mesh.bytes': 160 },
    { 'mesh.proxies': 1, 'mesh.responses': 1, 'mesh.bytes': 7 },
  ]);
  assert.deepEqual(attributesOf(rollout), {
    'mesh.store.revision': 1,
    'mesh.proxies': 2,
    'mesh.proxies.refused': 0,
    'mesh.proxies.gone': 0,
  });
  for (const { start, end } of spans) assert.ok(end >= start);
});

test('a change that concerns no proxy is rolled out at once, and one that changes nothing is none', async () => {
  const { spans, tracer, store, applies } = open();
  applies(0);
  const write = () =>
    tracer.request(request, async () => {
      await store.write([put('a', 1)]);
      return { status: 200 };
    });
  await write();
  assert.equal(named(spans, 'rollout').length, 1);
  await write();
  assert.equal(named(spans, 'rollout').length, 1);
  assert.equal(named(spans, 'store.write').length, 2);
});

test('writes that are stored together are each in their own trace', async () => {
  const { spans, tracer, changes, store, applies } = open();
  applies(1);
  const write = (name: string) =>
    tracer.request({ ...request, traceParent: undefined }, async () => {
      await store.write([put(name, 1)]);
      return { status: 201 };
    });
  await Promise.all([write('a'), write('b')]);
  changes.pushed?.(2, 10, {});
  changes.arrived({ revision: 2, proxies: 1, refused: 1, gone: 0, milliseconds: 1 });
  assert.equal(new Set(named(spans, 'rollout').map(({ traceId }) => traceId)).size, 2);
  assert.equal(new Set(named(spans, 'push').map(({ traceId }) => traceId)).size, 2);
  assert.match(named(spans, 'rollout')[0]?.error ?? '', /1 proxies refused/);
});

test('nothing is recorded for a trace that is not sampled, nor for writes that no request causes', async () => {
  const { spans, tracer, store, applies } = open(0);
  applies(1);
  await store.write([put('own', 1)]);
  for (const traceParent of [undefined, caller.replace(/01$/, '00')]) {
    await tracer.request({ ...request, traceParent }, async () => {
      assert.equal(tracer.current(), undefined);
      await store.write([put('a', Math.random())]);
      return { status: 200 };
    });
  }
  assert.deepEqual(spans, []);
});

test('what fails says so, without the words of an error that may quote a secret', async () => {
  const { spans, tracer, store } = open();
  await assert.rejects(
    tracer.request(request, async () => {
      await store.write(() => {
        throw new Error('hunter2');
      });
      return { status: 200 };
    }),
  );
  await tracer.request(request, async () => ({ status: 503 }));
  assert.deepEqual(
    spans.map(({ error }) => error),
    ['Error', 'Error', 'it answers 503'],
  );
  assert.ok(!JSON.stringify(spans).includes('hunter2'));
});

test('changes that never arrive are not followed for ever, and pushes are told in a bounded number of batches', async () => {
  const { spans, tracer, changes, store, applies } = open();
  applies(1);
  for (let number = 0; number < 70; number += 1) {
    await tracer.request(request, async () => {
      await store.write([put('a', number)]);
      return { status: 200 };
    });
  }
  assert.equal(named(spans, 'rollout').length, 6);
  for (let number = 0; number < 50; number += 1) {
    changes.pushed?.(70, 1, {});
    await nextTurn();
  }
  changes.arrived({ revision: 70, proxies: 1, refused: 0, gone: 0, milliseconds: 1 });
  const pushes = named(spans, 'push');
  assert.equal(pushes.length, 33);
  assert.equal(attributesOf(pushes.at(-1))['mesh.responses'], 18);
});
