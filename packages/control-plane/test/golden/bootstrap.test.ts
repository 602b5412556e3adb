// The bootstrap documents of the peer, recorded and golden: ours must be the same, field for field.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { coreResourceTypes, createResourceTypes, parseResource, type ResourceDraft } from '@ursa/resources';
import { parse, parseAllDocuments } from 'yaml';
import { defaultSettings } from '../../src/config/load-settings.ts';
import type { HttpRequest } from '../../src/delta/grpc/index.ts';
import { openBootstrap } from '../../src/xds/bootstrap/answer.ts';

type Json = Record<string, unknown>;

const conformance = join(import.meta.dirname, '../../../../../shared/conformance');
const types = createResourceTypes(coreResourceTypes);
const golden = join(conformance, 'golden/bootstrap');
const oracle = join(conformance, 'oracle');
const absent = existsSync(golden) ? false : 'conformance data is not beside the repository';

let passed = 0;
let total = 0;
after(() => console.log(`bootstrap: ${passed}/${total}`));

function post(body: unknown, authority: string, accept: string): HttpRequest {
  return {
    method: 'POST',
    path: '/bootstrap',
    headers: { accept },
    authority,
    from: '192.0.2.9',
    body: new TextEncoder().encode(JSON.stringify(body)),
  };
}

function draftsByKey(documents: readonly unknown[]): Map<string, ResourceDraft> {
  const drafts = documents.map((document) => parseResource(types, document));
  return new Map(drafts.map((draft) => [`${draft.type}/${draft.mesh}/${draft.name}`, draft]));
}

async function answer(
  settings: ReturnType<typeof defaultSettings>,
  certificate: string,
  documents: readonly unknown[],
  request: HttpRequest,
) {
  const stored = draftsByKey(documents);
  const handle = openBootstrap({
    settings,
    certificate: () => certificate,
    port: () => settings.dpServer.port,
    corefileTemplate: undefined,
    get: ({ type, mesh, name }) => stored.get(`${type}/${mesh}/${name}`),
    parse: (text) => parseResource(types, parse(text)),
    verifyToken: async () => undefined,
  });
  const response = await handle(request);
  assert.equal(response.status, 200, response.body);
  return response.body;
}

interface GoldenCase {
  readonly id: string;
  readonly level: 'generator' | 'http';
  readonly expected: string;
  readonly request: Json;
  readonly dataplane: Json;
  readonly bootstrapServerConfigOverrides: { readonly params: Json; readonly note?: string };
  readonly dpAuthEnabled: boolean;
  readonly hdsEnabled: boolean;
  readonly useTokenPath: boolean;
  readonly hostHeader?: string;
  readonly proxyConfigOverrides?: { readonly gateway?: { readonly globalDownstreamMaxConnections?: number } };
}

function settingsOf(given: GoldenCase): ReturnType<typeof defaultSettings> {
  const settings = structuredClone(defaultSettings()) as unknown as Record<string, Record<string, Json>>;
  const { params } = settings.bootstrapServer as unknown as { params: Json };
  if (given.bootstrapServerConfigOverrides.note !== undefined) {
    for (const key of Object.keys(params)) params[key] = typeof params[key] === 'string' ? '' : 0;
  }
  Object.assign(params, { adminPort: 0, envoyAdminUnixSocket: false }, given.bootstrapServerConfigOverrides.params);
  if (typeof params.xdsConnectTimeout === 'string')
    params.xdsConnectTimeout = Number.parseInt(params.xdsConnectTimeout, 10) * 1000;
  Object.assign(settings.proxy?.gateway ?? {}, given.proxyConfigOverrides?.gateway);
  const server = settings.dpServer as unknown as { authn: Json & { dpProxy: Json }; hds: Json };
  server.authn.dpProxy.type = given.dpAuthEnabled ? 'dpToken' : 'none';
  server.authn.enableReloadableTokens = given.useTokenPath;
  server.hds.enabled = given.hdsEnabled;
  return settings as unknown as ReturnType<typeof defaultSettings>;
}

const cases: readonly GoldenCase[] = absent ? [] : JSON.parse(readFileSync(join(golden, 'cases.json'), 'utf8')).cases;

test('there are golden bootstraps to compare with', { skip: absent }, () => assert.ok(cases.length > 0));

for (const given of cases) {
  total += 1;
  test(`golden bootstrap ${given.id}`, async () => {
    const mesh =
      given.level === 'generator'
        ? {
            type: 'Mesh',
            name: 'mesh',
            metrics: { enabledBackend: 'prometheus-1', backends: [{ name: 'prometheus-1', type: 'prometheus' }] },
            meshServices: { mode: 'Exclusive' },
          }
        : { type: 'Mesh', name: 'default' };
    const request = post(given.request, given.hostHeader ?? 'localhost:5678', '');
    const certificate = readFileSync(join(golden, 'server-cert.pem'), 'utf8');
    const body = await answer(settingsOf(given), certificate, [mesh, given.dataplane], request);
    assert.deepEqual(parse(body), parse(readFileSync(join(golden, given.expected), 'utf8')));
    passed += 1;
  });
}

const recorded = absent
  ? []
  : readdirSync(oracle, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.bootstrap.json'));

// What the checker sends when a scenario does not say otherwise (its README).
const requestDefaults: Json = {
  caCert: '',
  version: {
    kumaDp: { version: '2.14.3', gitTag: '', gitCommit: '', buildDate: '' },
    envoy: { version: '1.38.3', build: 'oracle/1.38.3/Clean/RELEASE/BoringSSL', kumaDpCompatible: true },
  },
  dnsPort: 15054,
  readinessPort: 9902,
  operatingSystem: 'linux',
  features: [
    'feature-embedded-dns',
    'feature-reuse-port',
    'feature-tcp-accesslog-via-named-pipe',
    'feature-transparent-proxy-in-dataplane-metadata',
  ],
  resources: { maxHeapSizeBytes: 0 },
  workdir: '/tmp/kuma-dp',
  metricsResources: { certPath: '/tmp/kuma-dp/metrics.crt', keyPath: '/tmp/kuma-dp/metrics.key' },
  systemCaPath: '/etc/ssl/certs/ca-certificates.crt',
  ipv6Enabled: false,
};

for (const path of recorded) {
  total += 1;
  test(`recorded bootstrap ${path}`, async () => {
    const folder = join(oracle, path, '../..');
    const scenario = parse(readFileSync(join(folder, 'scenario.yaml'), 'utf8'));
    const name = path.replace(/^.*\//, '').replace('.bootstrap.json', '');
    const proxy = scenario.proxies.find((candidate: { name: string }) => candidate.name === name);
    const proxyType = proxy.type ?? 'dataplane';
    const body: Json = {
      ...requestDefaults,
      name,
      mesh: scenario.mesh,
      proxyType,
      dynamicMetadata: proxy.dynamicMetadata,
    };
    if (proxy.features !== undefined) body.features = proxy.features;
    if (proxyType !== 'dataplane') {
      body.mesh = '';
      delete body.dnsPort;
    }
    Object.assign(body, proxy.request);
    const settings = structuredClone(defaultSettings()) as unknown as {
      dpServer: { authn: Record<string, Json>; hds: Json };
    };
    (settings.dpServer.authn.dpProxy as Json).type = 'none';
    (settings.dpServer.authn.zoneProxy as Json).type = 'none';
    settings.dpServer.hds.enabled = false;
    const documents = parseAllDocuments(readFileSync(join(folder, 'resources.yaml'), 'utf8'))
      .map((document) => (document as { toJS(): Json }).toJS())
      .filter((document) => ['Mesh', 'Dataplane', 'ZoneIngress', 'ZoneEgress'].includes(String(document.type)));
    const certificate = readFileSync(join(golden, 'server-cert.pem'), 'utf8');
    // The golden certificate is not valid for the checker's address; the host to use is told by setting instead.
    const named = settings as unknown as { bootstrapServer: { params: Json } };
    named.bootstrapServer.params.xdsHost = '127.0.0.1';
    const request = post(body, '127.0.0.1:5678', 'application/json');
    const { bootstrap, kumaSidecarConfiguration } = JSON.parse(
      await answer(settings as never, certificate, documents, request),
    );
    const ours = normalised({
      bootstrap: parse(Buffer.from(bootstrap, 'base64').toString()),
      kumaSidecarConfiguration,
    });
    const theirs = normalised(JSON.parse(readFileSync(join(oracle, path), 'utf8')));
    if (!isDeepStrictEqual(ours, theirs)) assert.deepEqual(ours, theirs);
    passed += 1;
  });
}

/** The checker's normal form as far as bootstraps need it: port and certificate are not compared, nor the order of tags and features. */
function normalised(document: { bootstrap: Json; kumaSidecarConfiguration: Json }): unknown {
  const text = JSON.stringify(document, (key, value) => {
    if (key === 'trustedCa') return 'a certificate';
    if (key === 'portValue') return 'a port';
    if (key === 'statsTags' || key === 'features') {
      return [...value]
        .sort((left, right) => (JSON.stringify(left) < JSON.stringify(right) ? -1 : 1))
        .map((tag) => (tag.regex ? [tag.regex, tag.tagName] : tag));
    }
    return value;
  });
  return JSON.parse(text);
}
