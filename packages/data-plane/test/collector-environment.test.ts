// OpenTelemetry's variables about collectors: what the control plane is told of them, what it is not told, and what is said of wrong ones.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCollectorEnvironment } from '../src/bootstrap/collector-environment.ts';

const read = (variables: Readonly<Record<string, string>>) => {
  const named = Object.entries(variables).map(([name, value]) => [`OTEL_EXPORTER_OTLP_${name}`, value]);
  return readCollectorEnvironment(Object.fromEntries(named), (path) => path.startsWith('/readable'));
};
const endpointOf = (text: string) => read({ ENDPOINT: text }).inventory?.shared?.settings?.endpoint;

test('without variables nothing is told', () => {
  assert.deepEqual(read({}), { inventory: undefined, problems: [] });
  assert.deepEqual(read({ ENDPOINT: ' ', TRACES_HEADERS: '' }), { inventory: undefined, problems: [] });
});

test('where telemetry goes and how is told, for all signals and for each', () => {
  const { inventory, problems } = read({
    ENDPOINT: 'https://collector.example:4318/otlp/',
    PROTOCOL: 'http/protobuf',
    TIMEOUT: '2500',
    CERTIFICATE: '/readable/ca.pem',
    CLIENT_CERTIFICATE: '/readable/client.pem',
    CLIENT_KEY: '/readable/client.key',
    TRACES_ENDPOINT: 'http://[2001:db8::1]:4318/tempo/v1/traces',
    LOGS_PROTOCOL: 'grpc',
    METRICS_INSECURE: 'False',
  });
  assert.deepEqual(problems, []);
  assert.deepEqual(inventory, {
    shared: {
      endpointPresent: true,
      protocolPresent: true,
      timeoutPresent: true,
      certificatePresent: true,
      clientCertificatePresent: true,
      clientKeyPresent: true,
      settings: {
        endpoint: { tls: true, host: 'collector.example', port: 4318, path: '/otlp' },
        protocol: 'http/protobuf',
        timeoutMilliseconds: 2500,
        certificate: '/readable/ca.pem',
        clientCertificate: '/readable/client.pem',
        clientKey: '/readable/client.key',
      },
    },
    traces: {
      endpointPresent: true,
      settings: { endpoint: { tls: false, host: '2001:db8::1', port: 4318, path: '/tempo' } },
    },
    logs: { protocolPresent: true, settings: { protocol: 'grpc' } },
    metrics: { insecurePresent: true, settings: { insecure: false } },
  });
});

test('an endpoint may leave out its scheme, its port and its path', () => {
  assert.deepEqual(endpointOf('collector'), { host: 'collector', path: '' });
  assert.deepEqual(endpointOf('Collector.example:80'), { host: 'collector.example', port: 80, path: '' });
  assert.deepEqual(endpointOf('HTTP://192.0.2.1'), { tls: false, host: '192.0.2.1', path: '' });
  assert.deepEqual(read({ TRACES_ENDPOINT: 'http://tempo:4318' }).inventory?.traces?.settings?.endpoint, {
    ...{ tls: false, host: 'tempo', port: 4318, path: '' },
  });
});

test('of headers only that they are set is told', () => {
  const { inventory, problems } = read({ HEADERS: 'authorization=Bearer%20s3cret', TRACES_HEADERS: 'x=s3cret' });
  assert.deepEqual(inventory, { shared: { headersPresent: true }, traces: { headersPresent: true } });
  assert.deepEqual(problems, []);
});

const wrong: readonly (readonly [variable: string, value: string, expected: RegExp, error: string])[] = [
  ['ENDPOINT', 'ftp://s3cret:4317', /host:port or a URL with http/, 'shared.endpoint'],
  ['ENDPOINT', 'http://user:s3cret@collector:4318', /without credentials/, 'shared.endpoint'],
  ['ENDPOINT', 'http://collector:4318?token=s3cret', /without .*query/, 'shared.endpoint'],
  ['ENDPOINT', 's3cret:0', /host:port/, 'shared.endpoint'],
  ['ENDPOINT', 's3cret:70000', /host:port/, 'shared.endpoint'],
  ['ENDPOINT', 's3cret collector', /host:port/, 'shared.endpoint'],
  ['TRACES_ENDPOINT', 'http://tempo:4318/s3cret', /ends with \/v1\/traces/, 'traces.endpoint'],
  ['LOGS_PROTOCOL', 'http/s3cret', /grpc or http\/protobuf/, 'logs.protocol'],
  ['METRICS_TIMEOUT', 's3cret', /milliseconds above 0/, 'metrics.timeout'],
  ['TIMEOUT', '0', /milliseconds above 0/, 'shared.timeout'],
  ['INSECURE', 's3cret', /true or false/, 'shared.insecure'],
  ['CERTIFICATE', '/s3cret/ca.pem', /file that Envoy can read/, 'shared.certificate'],
];

for (const [variable, value, expected, error] of wrong) {
  test(`a wrong ${variable} is named, with what it should hold and without what it holds: ${value}`, () => {
    const { inventory, problems } = read({ [variable]: value });
    assert.equal(problems.length, 1);
    assert.ok(problems[0]?.startsWith(`OTEL_EXPORTER_OTLP_${variable}: expected `), problems[0]);
    assert.match(problems[0] ?? '', expected);
    assert.deepEqual(inventory?.validationErrors, [error]);
    assert.doesNotMatch(JSON.stringify([inventory, problems]), /s3cret/);
  });
}

test('half of a pair of client certificate and key is not taken', () => {
  const { inventory, problems } = read({ CLIENT_CERTIFICATE: '/readable/client.pem' });
  assert.match(problems.join(), /^OTEL_EXPORTER_OTLP_CLIENT_KEY: expected a path/);
  assert.deepEqual(inventory, { shared: { clientCertificatePresent: true }, validationErrors: ['shared.mtls'] });
});
