import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toJson } from '@bufbuild/protobuf';
import { RouteSchema } from '@ursa/envoy/gen/envoy/config/route/v3/route_components_pb.ts';
import { envoyRoutes } from '../src/mesh-http-route/envoy-routes.ts';
import type { HttpFilter, HttpMatch } from '../src/mesh-http-route/http-route-conf.ts';

type Json = { readonly [field: string]: Json };

function routesOf(
  matches: readonly HttpMatch[],
  filters: readonly HttpFilter[] = [],
  mirrors: readonly string[] = [],
): Json[] {
  const rule = { matches: [...matches], default: { filters: [...filters] } };
  const clusters = [{ name: 'web', weight: 1 }];
  return envoyRoutes([{ name: 'some', rule, clusters, mirrors }]).map((route) => toJson(RouteSchema, route) as Json);
}

const path = (type: 'Exact' | 'PathPrefix' | 'RegularExpression', value: string): HttpMatch => ({
  path: { type, value },
});

test('a prefix takes whole segments: the path itself and what is below it', () => {
  assert.deepEqual(
    routesOf([path('PathPrefix', '/shop')]).map(({ match }) => match),
    [{ path: '/shop' }, { prefix: '/shop/' }],
  );
  assert.deepEqual(
    routesOf([path('PathPrefix', '/')]).map(({ match }) => match),
    [{ prefix: '/' }],
  );
});

test('narrower matches are tried first, wherever they stand', () => {
  const matches: HttpMatch[] = [
    {},
    path('RegularExpression', '/.*'),
    path('PathPrefix', '/'),
    { ...path('Exact', '/a'), queryParams: [{ type: 'Exact', name: 'q', value: '1' }] },
    { ...path('Exact', '/a'), headers: [{ name: 'h', value: '1' }] },
    { ...path('Exact', '/a'), method: 'GET' },
    path('Exact', '/a/long'),
  ];
  const order = routesOf(matches).map(({ match }) => JSON.stringify(match));
  assert.deepEqual(order, [
    '{"path":"/a/long"}',
    '{"path":"/a","headers":[{"name":":method","stringMatch":{"exact":"GET"}}]}',
    '{"path":"/a","headers":[{"name":"h","stringMatch":{"exact":"1"}}]}',
    '{"path":"/a","queryParameters":[{"name":"q","stringMatch":{"exact":"1"}}]}',
    '{"prefix":"/"}',
    '{"safeRegex":{"regex":"/.*"}}',
    '{"prefix":"/"}',
  ]);
});

test('replacing a prefix keeps what follows it, with one slash between', () => {
  const filter: HttpFilter = {
    type: 'URLRewrite',
    urlRewrite: { path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/new' } },
  };
  const [itself, below] = routesOf([path('PathPrefix', '/old')], [filter]);
  assert.deepEqual(itself?.route?.regexRewrite, { pattern: { regex: '.*' }, substitution: '/new' });
  assert.equal(below?.route?.prefixRewrite, '/new/');
});

test('a backslash in a new path is no reference to a group', () => {
  const filter: HttpFilter = {
    type: 'URLRewrite',
    urlRewrite: { path: { type: 'ReplaceFullPath', replaceFullPath: '/a\\1' } },
  };
  assert.equal(routesOf([path('Exact', '/old')], [filter])[0]?.route?.regexRewrite?.substitution, '/a\\\\1');
});

test('a redirect goes to no cluster', () => {
  const filter: HttpFilter = { type: 'RequestRedirect', requestRedirect: { hostname: 'example.com', statusCode: 308 } };
  const [route] = routesOf([path('Exact', '/old')], [filter]);
  assert.equal(route?.route, undefined);
  assert.deepEqual(route?.redirect, {
    hostRedirect: 'example.com',
    responseCode: 'PERMANENT_REDIRECT',
    stripQuery: true,
  });
});

test('a share of requests is copied, down to hundredths of a percent', () => {
  const backendRef = { kind: 'MeshService' as const, name: 'copy', weight: 1 };
  const filter: HttpFilter = { type: 'RequestMirror', requestMirror: { percentage: '0.5', backendRef } };
  const [route] = routesOf([path('Exact', '/a')], [filter], ['copy']);
  assert.deepEqual(route?.route?.requestMirrorPolicies, [
    { cluster: 'copy', runtimeFraction: { defaultValue: { numerator: 5000, denominator: 'MILLION' } } },
  ]);
});
