// Getting the bootstrap: what is sent, whom it is sent to, and what a user reads when it fails.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { after, test } from 'node:test';
import { mergeConfig } from '@ursa/transparent-proxy';
import { parse } from 'yaml';
import { announceDrain } from '../src/bootstrap/announce.ts';
import { formatBootstrapRequest, proxyFeatures } from '../src/bootstrap/bootstrap-request.ts';
import { type Attempt, explainAnswer } from '../src/bootstrap/explain-failure.ts';
import { fetchBootstrap } from '../src/bootstrap/fetch-bootstrap.ts';
import { withQuickReconnect } from '../src/bootstrap/quick-reconnect.ts';
import { readTrust, type Trust } from '../src/bootstrap/trust.ts';
import { createLog } from '../src/log.ts';
import type { SettingName, Settings } from '../src/settings/definitions.ts';
import { readSettings } from '../src/settings/read-settings.ts';
import {
  openStubControlPlane,
  otherAuthority,
  type StubAnswer,
  staticBootstrap,
  stubCertificate,
} from './fixtures/stub-control-plane.ts';

const lines: string[] = [];
const log = createLog({ level: 'info', format: 'text', write: (line) => lines.push(line) });
let answerNext: StubAnswer = { status: 200, body: '' };
const stub = await openStubControlPlane(() => answerNext);
after(() => stub.close());

const strangers: Trust = { caCert: '', source: '--ca-cert-file', systemCa: undefined, skipVerify: false };
const trusted: Trust = { ...strangers, caCert: readFileSync(stubCertificate, 'utf8') };

function attempt(changes: Partial<Attempt> = {}): Attempt & { body: string } {
  return {
    url: new URL(stub.url),
    mesh: 'payments',
    name: 'web',
    proxyType: 'dataplane',
    broughtResource: false,
    hasToken: true,
    trust: trusted,
    body: '{}',
    ...changes,
  };
}

function settings(flags: Partial<Record<SettingName, readonly string[]>> = {}): Settings {
  return readSettings(new Map(Object.entries(flags) as [SettingName, readonly string[]][]), {}).settings;
}

const once = { backoff: 5, maxDuration: 1 };
const fetch = (changes: Partial<Attempt> = {}, retry = once, signal = new AbortController().signal) =>
  fetchBootstrap(attempt(changes), retry, log, signal);

test('the request carries what the control plane needs to know, by its own names', () => {
  const facts = {
    mesh: 'm',
    name: 'web',
    resource: '{"type":"Dataplane"}',
    token: 't',
    tokenPath: '/run/token',
    caCert: 'PEM',
    readinessPort: 9903,
    workDir: '/run/w',
    systemCaPath: '/ca',
    maxHeapSizeBytes: 5,
    redirection: undefined,
    dnsPort: 0,
    machineId: 'a1',
    collectors: { shared: { headersPresent: true } },
    envoy: { version: '1.40.0', build: 'b', compatible: true },
  };
  const request = JSON.parse(formatBootstrapRequest(settings({ metricsCertPath: ['/c'] }), facts));
  assert.deepEqual(
    { ...request, version: request.version.envoy, features: 0 },
    {
      mesh: 'm',
      name: 'web',
      proxyType: 'dataplane',
      dataplaneToken: 't',
      dataplaneTokenPath: '/run/token',
      dataplaneResource: '{"type":"Dataplane"}',
      caCert: 'PEM',
      version: { version: '1.40.0', build: 'b', kumaDpCompatible: true },
      dynamicMetadata: {},
      readinessPort: 9903,
      appProbeProxyDisabled: false,
      operatingSystem: process.platform,
      features: 0,
      resources: { maxHeapSizeBytes: 5 },
      workdir: '/run/w',
      metricsResources: { certPath: '/c', keyPath: '' },
      systemCaPath: '/ca',
      ipv6Enabled: true,
      spireResources: { socketPath: '' },
      machineId: 'a1',
      otelEnv: { shared: { headersPresent: true } },
    },
  );
});

test('features follow the settings', () => {
  const plain = { redirection: undefined, dnsPort: 0 };
  assert.deepEqual(proxyFeatures(settings(), plain), [
    'feature-announces-readiness',
    'feature-tcp-accesslog-via-named-pipe',
    'feature-delta-grpc',
    'feature-strict-inbound-ports',
    'feature-reuse-port',
  ]);
  assert.ok(proxyFeatures(settings({ bindOutbounds: ['true'] }), plain).includes('feature-bind-outbounds'));
  const redirected = proxyFeatures(settings(), { redirection: mergeConfig([]), dnsPort: 15053 });
  assert.deepEqual(redirected.slice(-3), [
    'feature-transparent-proxy-in-dataplane-metadata',
    'feature-virtual-ipv6',
    'feature-embedded-dns',
  ]);
  assert.ok(
    !proxyFeatures(settings(), { redirection: mergeConfig([{ ipFamilyMode: 'ipv4' }]), dnsPort: 0 }).includes(
      'feature-virtual-ipv6',
    ),
  );
});

test('the bootstrap and the address of its admin interface come back', async () => {
  answerNext = staticBootstrap('/run/w', 8080);
  const { yaml, admin } = await fetch();
  assert.deepEqual(admin, { socketPath: '/run/w/kuma-envoy-admin.sock' });
  assert.match(yaml, /inbound:127\.0\.0\.1:8080/);
});

test('a control plane that nobody vouches for gets nothing: its fingerprint and the flags are shown', async () => {
  const before = stub.requests.length;
  await assert.rejects(
    fetch({ trust: strangers }),
    /cannot be verified.*CN=stub-control-plane.*SHA-256 [0-9A-F:]{95}.*--ca-cert-file.*--skip-verify/s,
  );
  await assert.rejects(
    fetch({ trust: { ...strangers, caCert: readFileSync(otherAuthority, 'utf8') } }),
    /not the one that --ca-cert-file vouches for.*CN=stub-control-plane.*CN=another-authority/s,
  );
  assert.equal(stub.requests.length, before);
});

test('an unknown authority is accepted only when it was asked for by name', async () => {
  answerNext = staticBootstrap('/run/w', 8080);
  await fetch({ trust: { ...strangers, skipVerify: true } });
});

test('a file that is no certificate is refused before anything is sent', () => {
  assert.throws(
    () => readTrust(settings({ caCertFile: [import.meta.filename] })),
    /--ca-cert-file .*bootstrap\.test\.ts does not hold a PEM certificate/,
  );
  assert.throws(
    () => readTrust(settings({ caCertFile: ['/no/such.pem'] })),
    /--ca-cert-file: \/no\/such\.pem cannot be read/,
  );
});

test('a control plane that is not there, or another server, is told apart', async () => {
  await assert.rejects(
    fetch({ url: new URL('https://localhost:1') }),
    /nothing listens at localhost:1: start the control plane/,
  );
  await assert.rejects(
    fetch({ url: new URL('https://no-such-host.invalid:5678') }),
    /the name "no-such-host\.invalid" does not resolve/,
  );
  const plain = createServer((_, response) => response.end('hello'));
  await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
  const { port } = plain.address() as { port: number };
  await assert.rejects(
    fetch({ url: new URL(`https://127.0.0.1:${port}`) }),
    /does not speak TLS: --cp-address must be .*5678/,
  );
  await assert.rejects(fetch({ url: new URL(`http://127.0.0.1:${port}`) }), /answer is not a bootstrap/);
  await assert.rejects(
    fetch({ url: new URL(stub.url.replace('https', 'http')) }),
    /speaks https; write --cp-address https:\/\/localhost/,
  );
  plain.close();
});

test('a missing proxy is waited for, a missing mesh is not', async () => {
  assert.deepEqual(
    [explainAnswer(attempt(), 404, '').retry, explainAnswer(attempt({ broughtResource: true }), 404, '').retry],
    [true, false],
  );
  assert.match(
    explainAnswer(attempt(), 404, '').error.message,
    /no dataplane "web" in mesh "payments"; create it there, or bring it along with --dataplane-file/,
  );
  answerNext = { status: 404, body: '' };
  const before = stub.requests.length;
  const pending = fetch({}, { backoff: 5, maxDuration: 60_000 });
  while (stub.requests.length < before + 3) await new Promise((resolve) => setImmediate(resolve));
  answerNext = staticBootstrap('/run/w', 8080);
  await pending;
  assert.equal(lines.filter((line) => line.includes('no dataplane "web"')).length, 1, 'the same reason is logged once');
});

test('each refusal says what to do', () => {
  const message = (status: number, body: string, changes: Partial<Attempt> = {}): string =>
    explainAnswer(attempt(changes), status, body).error.message;
  assert.match(
    message(422, 'token is expired'),
    /refuses the token of this proxy: token is expired; make one with "kumactl generate dataplane-token --mesh payments --name web/,
  );
  assert.match(
    message(422, 'a dataplane token is required', { hasToken: false }),
    /wants a token.*--dataplane-token-file/,
  );
  assert.match(
    message(404, '404: Page Not Found'),
    /has no \/bootstrap: --cp-address must be .*5678.*not its API.*not a global/,
  );
  assert.match(message(400, 'this is a global control plane'), /is a global control plane.*this zone's control plane/);
  assert.match(
    message(422, '{"title":"Invalid","detail":"networking.address: required"}'),
    /refuses this proxy \(422\): Invalid: networking\.address: required/,
  );
  assert.equal(explainAnswer(attempt(), 503, 'store is down').retry, true);
  assert.equal(message(500, 'x'.repeat(5000)).length < 700, true);
});

test('an abort ends the attempts', async () => {
  answerNext = { status: 503, body: '' };
  const controller = new AbortController();
  const pending = fetch({}, { backoff: 60_000, maxDuration: 600_000 }, controller.signal);
  setImmediate(() => controller.abort());
  await assert.rejects(pending, { name: 'AbortError' });
});

test('a proxy that leaves says so; older control planes do not understand it', async () => {
  answerNext = { status: 200, body: '' };
  assert.equal(await announceDrain(attempt(), 'secret', log), true);
  assert.deepEqual(stub.requests.at(-1), {
    path: '/drain',
    body: { mesh: 'payments', name: 'web', proxyType: 'dataplane', dataplaneToken: 'secret' },
  });
  answerNext = { status: 404, body: '' };
  assert.equal(await announceDrain(attempt(), 'secret', log), false);
  assert.equal(await announceDrain(attempt({ url: new URL('https://localhost:1') }), 'secret', log), false);
});

test('the bootstrap is told to reconnect soon, unless it says otherwise itself', () => {
  const given = {
    dynamicResources: { adsConfig: { grpcServices: [{ envoyGrpc: { clusterName: 'ads_cluster' } }] } },
    hdsConfig: { grpcServices: [{ envoyGrpc: { clusterName: 'ads_cluster' } }] },
    node: { id: '1' },
  };
  const { dynamicResources, hdsConfig, node } = parse(withQuickReconnect(JSON.stringify(given), true));
  assert.deepEqual(dynamicResources.adsConfig.grpcServices, [
    {
      envoyGrpc: {
        clusterName: 'ads_cluster',
        retryPolicy: { retryBackOff: { baseInterval: '0.5s', maxInterval: '1.5s' } },
      },
    },
  ]);
  assert.deepEqual(hdsConfig, given.hdsConfig);
  assert.deepEqual(node, { id: '1' });
  const own = { envoyGrpc: { retryPolicy: { numRetries: 1 } } };
  const kept = parse(
    withQuickReconnect(JSON.stringify({ dynamicResources: { adsConfig: { grpcServices: [own] } } }), true),
  );
  assert.deepEqual(kept.dynamicResources.adsConfig.grpcServices, [own]);
  assert.equal(withQuickReconnect('node: {id: x}\n', true).includes('retryPolicy'), false);
});

test('Envoy is told to leave the lost machine of a control plane soon, also while something is under way to it', () => {
  const kept = { name: 'access_log_sink', upstreamConnectionOptions: { tcpKeepalive: { keepaliveTime: 10 } } };
  const from = { sourceAddress: { address: '10.0.0.7', portValue: 0 } };
  const clusters = [
    {
      name: 'ads_cluster',
      upstreamConnectionOptions: { tcpKeepalive: { keepaliveTime: 10 }, happyEyeballsConfig: {} },
    },
    { name: 'system_ads', upstreamBindConfig: from },
    kept,
  ];
  const told = (socketOptions: boolean) =>
    parse(withQuickReconnect(JSON.stringify({ staticResources: { clusters } }), socketOptions)).staticResources
      .clusters;
  const [ads, system, sink] = told(true);
  const tcpKeepalive = { keepaliveTime: 3, keepaliveInterval: 1, keepaliveProbes: 3 };
  assert.deepEqual(ads.upstreamConnectionOptions, { tcpKeepalive, happyEyeballsConfig: {} });
  const [{ level, name, intValue }] = ads.upstreamBindConfig.socketOptions;
  assert.deepEqual([level, name, intValue], [6, 18, 6_000]);
  assert.deepEqual(system.upstreamConnectionOptions, { tcpKeepalive });
  assert.deepEqual([system.upstreamBindConfig, sink], [from, kept]);
  assert.equal(told(false)[0].upstreamBindConfig, undefined);
});
