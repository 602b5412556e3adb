// A stream by itself, over a call that only remembers: what happens when time passes, and when our own code fails.
import assert from 'node:assert/strict';
import { describe, mock, test } from 'node:test';
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { encodeResource, identitySecret, typeUrls } from '@ursa/envoy';
import { MeshError } from '@ursa/resources';
import { DeltaDiscoveryRequestSchema } from '../../../envoy/gen/envoy/service/discovery/v3/discovery_pb.ts';
import type { GrpcCall, GrpcOutcome } from '../../src/delta/grpc/index.ts';
import { type AdsObserver, type AdsStream, serveAdsStream } from '../../src/xds/ads-stream.ts';
import { configurationOf, edsCluster, httpListener } from './hand-made-mesh.ts';

const request = toBinary(
  DeltaDiscoveryRequestSchema,
  create(DeltaDiscoveryRequestSchema, { node: { id: 'default.web' }, typeUrl: typeUrls.cluster }),
);

function openStream(changes: Partial<AdsObserver> = {}, write: GrpcCall['write'] = () => true) {
  const ends: GrpcOutcome[] = [];
  const bugs: unknown[] = [];
  let writes = 0;
  let reads = true;
  const call: GrpcCall = {
    header: () => undefined,
    write(parts) {
      writes += 1;
      return write(parts);
    },
    proven: () => undefined,
    ping: () => undefined,
    pause() {
      reads = false;
    },
    resume() {
      reads = true;
    },
    end: (outcome) => void ends.push(outcome),
    sendAway: (outcome) => void ends.push(outcome),
    fail: (error) => void bugs.push(error),
  };
  const ignore = (): void => undefined;
  let stream: AdsStream | undefined;
  const observer: AdsObserver = {
    async admit(_node, _call, opened) {
      stream = opened;
      opened.offer(configurationOf(edsCluster('a')));
    },
    sent: ignore,
    acknowledged: ignore,
    rejected: ignore,
    flushed: ignore,
    secured: ignore,
    offended: ignore,
    closed: ignore,
    ...changes,
  };
  const handler = serveAdsStream(call, 'incremental', () => observer);
  return { handler, ends, bugs, stream: () => stream, writes: () => writes, reads: () => reads };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a stream', () => {
  test('that nobody introduces himself on ends after ten seconds, one that is introduced does not', async (context) => {
    mock.timers.enable({ apis: ['setTimeout'] });
    context.after(() => mock.timers.reset());
    const [silent, introduced] = [openStream(), openStream()];
    introduced.handler.onMessage(request);
    await settled();
    mock.timers.tick(10_000);
    assert.equal(silent.ends[0]?.code, 4);
    assert.deepEqual(introduced.ends, []);
    introduced.handler.onClose();
  });

  test('ends with what its owner says when it is refused', async () => {
    const refused = openStream({ admit: () => Promise.reject(new MeshError('forbidden', 'not you')) });
    refused.handler.onMessage(request);
    await settled();
    assert.deepEqual(refused.ends, [{ code: 7, message: 'not you' }]);
    refused.handler.onClose();
  });

  test('reports a bug instead of letting it out', async () => {
    const bug = new Error('ours');
    const failing = openStream({}, () => {
      throw bug;
    });
    failing.handler.onMessage(request);
    await settled();
    failing.stream()?.offer(configurationOf(edsCluster('b')));
    failing.stream()?.flush();
    assert.equal(failing.bugs[0], bug);
    failing.handler.onClose();
  });

  test('writes nothing while the client does not keep up, and the newest state after', async () => {
    const slow = openStream({}, () => false);
    slow.handler.onMessage(request);
    await settled();
    assert.equal(slow.writes(), 1);
    slow.handler.onMessage(
      toBinary(
        DeltaDiscoveryRequestSchema,
        create(DeltaDiscoveryRequestSchema, { typeUrl: typeUrls.cluster, responseNonce: '1' }),
      ),
    );
    for (const version of [2, 3, 4]) {
      slow.stream()?.offer(configurationOf(edsCluster('a', version)));
      slow.stream()?.flush();
    }
    assert.equal(slow.writes(), 1);
    slow.handler.onDrain();
    assert.equal(slow.writes(), 2);
    slow.handler.onClose();
  });

  test('writes nothing once it is closed', async () => {
    const closed = openStream();
    closed.handler.onMessage(request);
    await settled();
    const before = closed.writes();
    closed.handler.onClose();
    closed.stream()?.offer(configurationOf(edsCluster('b')));
    closed.stream()?.flush();
    assert.equal(closed.writes(), before);
  });

  const ask = (fields: MessageInitShape<typeof DeltaDiscoveryRequestSchema>) =>
    toBinary(DeltaDiscoveryRequestSchema, create(DeltaDiscoveryRequestSchema, fields));

  test('on which somebody asks without end is not read for a while, and then again', async (context) => {
    mock.timers.enable({ apis: ['setTimeout'] });
    context.after(() => mock.timers.reset());
    for (const flood of [
      ask({ typeUrl: typeUrls.cluster, responseNonce: 'no such nonce' }),
      ask({ typeUrl: 'type.googleapis.com/nothing' }),
      ask({ typeUrl: typeUrls.endpoint, resourceNamesSubscribe: ['a'] }),
    ]) {
      const { handler, reads, writes, ends } = openStream();
      handler.onMessage(request);
      await settled();
      let sent = 0;
      for (; sent < 5_000 && reads(); sent += 1) handler.onMessage(flood);
      assert.ok(sent >= 400 && sent < 2_000, `${sent} were read`);
      assert.ok(writes() <= 2 + sent);
      mock.timers.tick(500);
      assert.equal(reads(), true);
      assert.deepEqual(ends, [], 'it is slowed down, not ended');
      handler.onClose();
    }
  });

  test('on which each response is answered is read on', async () => {
    const { handler, reads, stream } = openStream();
    handler.onMessage(request);
    await settled();
    for (let version = 1; version < 2_000; version += 1) {
      handler.onMessage(ask({ typeUrl: typeUrls.cluster, responseNonce: String(version) }));
      stream()?.offer(configurationOf(edsCluster('a', version + 1)));
      stream()?.flush();
    }
    assert.equal(reads(), true);
    handler.onClose();
  });

  test('is not secured any more from the moment at which it is offered other secrets, before they are sent', async () => {
    const states: boolean[] = [];
    const { handler, stream } = openStream({ secured: (secured) => void states.push(secured) });
    const withSecret = (certificate: string) =>
      configurationOf(
        edsCluster('a'),
        httpListener('out', 9),
        encodeResource('secret', identitySecret('identity', certificate, ''), 'outbound'),
      );
    handler.onMessage(request);
    await settled();
    handler.onMessage(ask({ typeUrl: typeUrls.cluster, responseNonce: '1' }));
    stream()?.offer(withSecret('one'));
    handler.onMessage(ask({ typeUrl: typeUrls.secret, resourceNamesSubscribe: ['identity'] }));
    handler.onMessage(ask({ typeUrl: typeUrls.secret, responseNonce: '1' }));
    handler.onMessage(ask({ typeUrl: typeUrls.listener }));
    handler.onMessage(ask({ typeUrl: typeUrls.listener, responseNonce: '1' }));
    assert.deepEqual(states, [true]);
    stream()?.offer(withSecret('one'));
    assert.deepEqual(states, [true]);
    stream()?.offer(withSecret('two'));
    assert.deepEqual(states, [true, false]);
    stream()?.flush();
    handler.onMessage(ask({ typeUrl: typeUrls.secret, responseNonce: '2' }));
    assert.deepEqual(states, [true, false, true]);
    handler.onClose();
  });

  test('that breaks the protocol tells so, one that is refused for its token does not', async () => {
    let offences = 0;
    const offended = (): void => {
      offences += 1;
    };
    const refused = openStream({ offended, admit: () => Promise.reject(new MeshError('forbidden', 'not you')) });
    refused.handler.onMessage(request);
    await settled();
    assert.equal(offences, 0);
    const broken = openStream({ offended });
    broken.handler.onMessage(request);
    await settled();
    broken.handler.onMessage(ask({ node: { id: 'default.other' }, typeUrl: typeUrls.cluster }));
    assert.equal(offences, 1);
    assert.equal(broken.ends[0]?.code, 3);
    for (const { handler } of [refused, broken]) handler.onClose();
  });
});
