// What policies are refused for, at which field: rules that no recorded answer of the peer's shows.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { coreResourceTypes, createResourceTypes, MeshError, parseResource } from '@ursa/resources';
import { policyResourceTypes } from '../src/index.ts';

const types = createResourceTypes([...coreResourceTypes, ...policyResourceTypes]);

function refusals(type: string, spec: unknown): readonly string[] {
  try {
    parseResource(types, { type, mesh: 'default', name: 'one', spec });
    return [];
  } catch (error) {
    assert.ok(error instanceof MeshError);
    return error.violations.map(({ field, message }) => `${field}: ${message}`);
  }
}

const toMesh = (conf: unknown) => ({ to: [{ targetRef: { kind: 'Mesh' }, default: conf }] });
const collector = (openTelemetry: unknown) => ({ default: { backends: [{ type: 'OpenTelemetry', openTelemetry }] } });
const atTo = 'spec.to[0].default';

test('access logs go to paths from the root and to addresses that can be dialled', () => {
  const file = (path: string, format?: unknown) =>
    refusals('MeshAccessLog', toMesh({ backends: [{ type: 'File', file: { path, format } }] }));
  assert.deepEqual(file('/var/log/mesh.log'), []);
  assert.deepEqual(file('C:\\logs\\mesh.log'), []);
  assert.deepEqual(file('logs/mesh.log'), [`${atTo}.backends[0].file.path: file backend requires a valid path`]);
  const line = (key: string) => ({ type: 'Json', json: [{ key, value: '%PROTOCOL%' }] });
  assert.deepEqual(file('/l', line('protocol')), []);
  assert.deepEqual(file('/l', line('a"b')), [`${atTo}.backends[0].file.format.json[0]: is not a valid JSON object`]);
  const tcp = (address: string) => refusals('MeshAccessLog', toMesh({ backends: [{ type: 'Tcp', tcp: { address } }] }));
  for (const address of ['logs:5000', '10.0.0.1:5000', '[fd00::1]:5000', 'logs.example']) {
    assert.deepEqual(tcp(address), [], address);
  }
  for (const address of ['logs', 'http://logs.example:80', 'logs:', '-']) {
    assert.deepEqual(tcp(address), [`${atTo}.backends[0].tcp.address: tcp backend requires valid address`], address);
  }
});

test('a collector is named once, by host and port or by one way of reference', () => {
  const at = 'spec.default.backends[0].openTelemetry';
  const backendRef = { kind: 'MeshOpenTelemetryBackend', name: 'main' };
  const both = { ...backendRef, labels: { team: 'a' } };
  assert.deepEqual(refusals('MeshTrace', collector({ endpoint: 'otel:4317' })), []);
  assert.deepEqual(refusals('MeshTrace', collector({ endpoint: 'http://otel:4317' })), [
    `${at}.endpoint: must be in host:port format, not a URL`,
  ]);
  assert.deepEqual(refusals('MeshTrace', collector({ endpoint: 'otel:4317', backendRef })), [
    `${at}: openTelemetry must have only one type defined: endpoint, backendRef`,
  ]);
  assert.deepEqual(refusals('MeshTrace', collector({ backendRef: both })), [
    `${at}.backendRef: backendRef must have only one type defined: name, labels`,
  ]);
  assert.deepEqual(refusals('MeshTrace', collector({ backendRef: { kind: backendRef.kind } })), [
    `${at}.backendRef: backendRef must have exactly one defined: name, labels`,
  ]);
});

test('Zipkin is named by a URL or by a host with a port', () => {
  const zipkin = (url: string) =>
    refusals('MeshTrace', { default: { backends: [{ type: 'Zipkin', zipkin: { url } }] } });
  for (const url of ['http://zipkin:9411/api/v2/spans', 'https://zipkin', 'zipkin:9411', 'zipkin.example/api']) {
    assert.deepEqual(zipkin(url), [], url);
  }
  for (const url of ['zipkin', 'http:/zipkin', 'http://']) {
    assert.deepEqual(zipkin(url), ['spec.default.backends[0].zipkin.url: must be a valid url'], url);
  }
});

test('routes rewrite to host names, and say the port of a service over several zones', () => {
  const route = (conf: unknown) => ({
    to: [
      {
        targetRef: { kind: 'MeshService', name: 'backend' },
        rules: [{ matches: [{ path: { type: 'PathPrefix', value: '/' } }], default: conf }],
      },
    ],
  });
  const at = 'spec.to[0].rules[0].default';
  const redirect = { type: 'RequestRedirect', requestRedirect: { hostname: '10.0.0.1' } };
  const rewrite = { type: 'URLRewrite', urlRewrite: { hostname: '10.0.0.1' } };
  assert.deepEqual(refusals('MeshHTTPRoute', route({ filters: [redirect, rewrite] })), [
    `${at}.filters[0].requestRedirect.hostname: cannot be an IP address`,
    `${at}.filters[1].urlRewrite.hostname: cannot be an IP address`,
  ]);
  const backendRefs = [{ kind: 'MeshMultiZoneService', name: 'backend' }];
  assert.deepEqual(refusals('MeshHTTPRoute', route({ backendRefs })), [
    `${at}.backendRefs[0].port: must be defined with kind MeshMultiZoneService`,
  ]);
});

test('numbers and units of retries, faults and health checks', () => {
  assert.deepEqual(refusals('MeshRetry', toMesh({ tcp: { maxConnectAttempt: 0 } })), [
    `${atTo}.conf.tcp.maxConnectAttempt: must be greater than 0`,
  ]);
  const fault = (limit: string, percentage: unknown) =>
    refusals('MeshFaultInjection', {
      targetRef: { kind: 'Mesh', proxyTypes: ['Sidecar'] },
      from: [{ targetRef: { kind: 'Mesh' }, default: { http: [{ responseBandwidth: { limit, percentage } }] } }],
    });
  const atFault = 'spec.from[0].default.http.responseBandwidth[0]';
  assert.deepEqual(fault('50 Mbps', '0.5'), []);
  assert.deepEqual(fault('', 'half'), [
    `${atFault}.responseBandwidth: must be defined`,
    `${atFault}.percentage: string must be a valid number`,
  ]);
  assert.deepEqual(fault('1bps', 1), [`${atFault}.responseBandwidth: must be in kbps/Mbps/Gbps units`]);
  assert.deepEqual(refusals('MeshHealthCheck', toMesh({ tcp: {}, eventLogPath: 'events.log' })), [
    `${atTo}.eventLogPath: must be a valid path when defined`,
  ]);
});

test('requests of one protocol pass a port, told at the port', () => {
  const match = (value: string, protocol: string) => ({ type: 'Domain', value, protocol, port: 80 });
  const refused = (...appendMatch: unknown[]) => refusals('MeshPassthrough', { default: { appendMatch } });
  assert.deepEqual(refused(match('a.example', 'http'), match('b.example', 'grpc')), [
    'spec.default.appendMatch[1].port: using the same port in multiple matches requires the same protocol for the following protocols: [grpc http http2]',
  ]);
  assert.deepEqual(refused(match('10.0.0.1', 'http')), [
    'spec.default.appendMatch[0].value: provided DNS has incorrect value',
  ]);
});

test('a condition of a retry in another spelling is told the right one', () => {
  const at = `${atTo}.conf.http.retryOn`;
  const found = refusals('MeshRetry', toMesh({ http: { retryOn: ['5XX', 'gateway-error', '299'] } }));
  assert.deepEqual(found.slice(0, 2), [
    `${at}[0]: unknown item '5XX'; did you mean "5xx"?`,
    `${at}[1]: unknown item 'gateway-error'; did you mean "GatewayError"?`,
  ]);
  assert.match(found[2] ?? '', /unknown item '299'; known here: 5xx, GatewayError, /);
});

test('a timeout for connections among those of requests is told where it belongs', () => {
  assert.deepEqual(refusals('MeshTimeout', toMesh({ http: { idleTimeout: '5s' } })), [
    `${atTo}.http.idleTimeout: unknown field; did you mean "streamIdleTimeout"? "idleTimeout" belongs into ${atTo}`,
  ]);
  assert.deepEqual(refusals('MeshTimeout', toMesh({ connectionTimeout: 5 })), [
    `${atTo}.connectionTimeout: in body must be of type string: "number"; a duration has a unit, such as 5s`,
  ]);
});

test('the name of a header in capitals is told to be written in small letters', () => {
  const check = (name: string) =>
    refusals('MeshHealthCheck', toMesh({ http: { requestHeadersToAdd: { set: [{ name, value: 'x' }] } } })).join();
  assert.equal(check('accept'), '');
  assert.match(check('Accept'), /should match '.*'; write it in lower case$/);
  assert.doesNotMatch(check('a b'), /lower case/);
});

test('a decimal means the same with and without quotes', () => {
  const detectors = (standardDeviationFactor: unknown) =>
    parseResource(types, {
      ...{ type: 'MeshCircuitBreaker', mesh: 'default', name: 'one' },
      spec: toMesh({ outlierDetection: { detectors: { successRate: { standardDeviationFactor } } } }),
    });
  assert.deepEqual(detectors(1.9), detectors('1.9'));
  assert.deepEqual(
    detectors(2).spec,
    toMesh({ outlierDetection: { detectors: { successRate: { standardDeviationFactor: 2 } } } }),
  );
});
