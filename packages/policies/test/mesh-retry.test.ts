import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Protocol } from '@ursa/envoy';
import { meshRetry } from '../src/mesh-retry/mesh-retry.ts';
import { outboundPlace, routePlace } from './drafts.ts';

const { hooks } = meshRetry;

function retryOf(protocol: Protocol, conf: unknown) {
  const place = routePlace(protocol);
  hooks.route?.(place, conf);
  return place.route.action.case === 'route' ? place.route.action.value.retryPolicy : undefined;
}

test('requests are tried again as often, and for the reasons, that the conf says', () => {
  const retry = retryOf('http', { http: { numRetries: 3, perTryTimeout: '2s', retryOn: ['5xx', '429', 'Reset'] } });
  assert.equal(retry?.numRetries, 3);
  assert.equal(retry?.perTryTimeout?.seconds, 2n);
  assert.equal(retry?.retryOn, '5xx,reset,retriable-status-codes');
  assert.deepEqual(retry?.retriableStatusCodes, [429]);
});

test('gRPC services have reasons of their own', () => {
  const conf = { http: { numRetries: 1 }, grpc: { numRetries: 2, retryOn: ['DeadlineExceeded', 'ResourceExhausted'] } };
  assert.equal(retryOf('grpc', conf)?.numRetries, 2);
  assert.equal(retryOf('grpc', conf)?.retryOn, 'deadline-exceeded,resource-exhausted');
});

test('a part that is for another protocol says nothing', () => {
  assert.equal(retryOf('http', { grpc: { numRetries: 2 } }), undefined);
  assert.equal(retryOf('grpc', { http: { numRetries: 2 } }), undefined);
});

test('connections of TCP services are tried again', () => {
  const { chain, ...place } = outboundPlace('tcp');
  hooks.outbound?.(place, { tcp: { maxConnectAttempt: 4 } });
  assert.equal(chain.terminal.kind === 'tcp' ? chain.terminal.proxy.maxConnectAttempts : undefined, 4);
});
