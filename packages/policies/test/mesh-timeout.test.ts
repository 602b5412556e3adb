import assert from 'node:assert/strict';
import { test } from 'node:test';
import { meshTimeout } from '../src/mesh-timeout/mesh-timeout.ts';
import { clusterDraft, inboundPlace, outboundPlace, routePlace } from './drafts.ts';

const { hooks } = meshTimeout;

/** Seconds of a duration in a message. */
function seconds(duration: { readonly seconds: bigint; readonly nanos: number } | undefined): number | undefined {
  return duration && Number(duration.seconds) + duration.nanos / 1e9;
}

test('without a conf the defaults hold', () => {
  const place = inboundPlace('http');
  hooks.inbound?.(place, {});
  assert.equal(seconds(place.cluster.message.connectTimeout), 5);
  assert.equal(seconds(place.cluster.httpOptions?.commonHttpProtocolOptions?.idleTimeout), 3600);
  assert.equal(seconds(routeOf(place)?.timeout), 15);
  assert.equal(seconds(routeOf(place)?.idleTimeout), 1800);
});

test('an inbound gets what the conf says for connections and requests', () => {
  const place = inboundPlace('http');
  hooks.inbound?.(place, { connectionTimeout: '250ms', idleTimeout: '2m', http: { requestTimeout: '0s' } });
  assert.equal(seconds(place.cluster.message.connectTimeout), 0.25);
  assert.equal(seconds(place.cluster.httpOptions?.commonHttpProtocolOptions?.idleTimeout), 120);
  assert.equal(seconds(routeOf(place)?.timeout), 0);
});

test('a TCP outbound closes idle connections', () => {
  const { chain, ...place } = outboundPlace('tcp');
  hooks.outbound?.(place, { idleTimeout: '30s' });
  assert.equal(chain.terminal.kind === 'tcp' ? seconds(chain.terminal.proxy.idleTimeout) : undefined, 30);
});

test('a route has the timeouts of its own destination', () => {
  const place = routePlace('http');
  hooks.route?.(place, { http: { requestTimeout: '3s', streamIdleTimeout: '4s' } });
  const action = place.route.action.case === 'route' ? place.route.action.value : undefined;
  assert.deepEqual([seconds(action?.timeout), seconds(action?.idleTimeout)], [3, 4]);
});

test('connections of gRPC services may be idle', () => {
  const cluster = clusterDraft();
  const { proxy } = outboundPlace('grpc');
  hooks.cluster?.({ proxy, protocol: 'grpc', cluster }, { connectionTimeout: '1s', idleTimeout: '1s' });
  assert.equal(seconds(cluster.message.connectTimeout), 1);
  assert.equal(cluster.httpOptions, undefined);
});

test('streams and connections of gRPC services last as long as somebody says', () => {
  const { proxy } = outboundPlace('grpc');
  const optionsFor = (conf: Parameters<NonNullable<typeof hooks.cluster>>[1]) => {
    const cluster = clusterDraft();
    hooks.cluster?.({ proxy, protocol: 'grpc', cluster }, conf);
    return cluster.httpOptions?.commonHttpProtocolOptions;
  };
  assert.equal(optionsFor({ http: { maxStreamDuration: '0s' } }), undefined);
  const options = optionsFor({ idleTimeout: '1s', http: { maxStreamDuration: '9s' } });
  assert.deepEqual([seconds(options?.maxStreamDuration), seconds(options?.maxConnectionDuration)], [9, 0]);
  assert.equal(options?.idleTimeout, undefined);
});

function routeOf({ chain }: ReturnType<typeof inboundPlace>) {
  const route = chain.terminal.kind === 'http' ? chain.terminal.routes.virtualHosts[0]?.routes[0] : undefined;
  return route?.action.case === 'route' ? route.action.value : undefined;
}
