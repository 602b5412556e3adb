// What `_config` says of a proxy is, byte for byte, what the proxy got over xDS: for every scenario of every policy, and after changes. The whole
// control plane runs; a client of the ADS server stands for Envoy and keeps all that it is sent.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type DescMessage, fromBinary, fromJson, type JsonValue, toBinary } from '@bufbuild/protobuf';
import { type EnvoyType, internResource, registry, schemas, typeUrls } from '@ursa/envoy';
import { parseAllDocuments } from 'yaml';
import { formatConfig } from '../../src/api/inspect/config-view.ts';
import { openControlPlane } from '../../src/compose.ts';
import { defaultSettings } from '../../src/config/load-settings.ts';
import { openLog } from '../../src/log.ts';
import { runComponents } from '../../src/run-components.ts';
import { connectTo, type DeltaRequest, type TestConnection } from '../xds/ads-client.ts';
import { eventually } from './real-envoy.ts';

const types = ['cluster', 'endpoint', 'listener', 'route', 'secret'] as const;
type Received = ReadonlyMap<EnvoyType, Map<string, Uint8Array>>;
type Shown = Readonly<Record<string, Readonly<Record<string, JsonValue>>>>;

interface Document {
  readonly type: string;
  readonly name: string;
  readonly mesh?: string;
}

const folder = mkdtempSync(join(tmpdir(), 'ursa-config-'));
const log = openLog('off', { write: () => {} });
const controlPlane = await openControlPlane(
  defaultSettings({
    'apiServer.http.port': 0,
    'apiServer.http.interface': '127.0.0.1',
    'apiServer.https.enabled': false,
    'dpServer.port': 0,
    'dpServer.authn.dpProxy.type': 'none',
    'diagnostics.serverPort': 0,
    'general.workDir': folder,
    'store.type': 'memory',
  }),
  log,
);
const running = await runComponents(controlPlane.components, log.component('test'));
const api = `http://127.0.0.1:${controlPlane.api.ports.http}`;
after(async () => {
  await running.stop(10_000);
  rmSync(folder, { recursive: true });
});

async function request(method: string, path: string, body?: unknown): Promise<unknown> {
  const json =
    body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
  const answer = await fetch(api + path, { method, ...json });
  const text = await answer.text();
  assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
  return JSON.parse(text);
}

const pathsByType = (await request('GET', '/_resources')) as {
  readonly resources: readonly { readonly name: string; readonly path: string }[];
};

async function put(document: Document): Promise<void> {
  const path = pathsByType.resources.find(({ name }) => name === document.type)?.path;
  assert.ok(path !== undefined, document.type);
  const mesh = document.mesh === undefined ? '' : `/meshes/${document.mesh}`;
  await request('PUT', `${mesh}/${path}/${document.name}`, document);
}

/** Connects as a proxy and keeps, ACKing, what it is sent. Asks for the names that `_config` has. */
function becomeProxy(connection: TestConnection, mesh: string, name: string) {
  const received: Received = new Map(types.map((type) => [type, new Map()]));
  const stream = connection.delta();
  const asked = new Map<EnvoyType, Set<string>>();
  const redirect = {
    inbound: { port: 15006 },
    outbound: { port: 15001 },
    dns: { port: 15053, enabled: true },
  };
  const metadata = {
    features: ['feature-delta-grpc', 'feature-transparent-proxy-in-dataplane-metadata'],
    'dataplane.admin.port': '9901',
    'dataplane.readinessReporter.port': '9902',
    transparentProxy: { redirect, ipFamilyMode: 'dualstack' },
  };
  const node = { id: `${mesh}.${name}`, cluster: name, metadata };
  stream.send({ node, typeUrl: typeUrls.cluster } as DeltaRequest);
  stream.send({ typeUrl: typeUrls.listener });
  let open = true;
  const reading = (async () => {
    while (open) {
      const response = await stream.next().catch(() => undefined);
      if (response === undefined) continue;
      const type = types.find((candidate) => typeUrls[candidate] === response.typeUrl);
      assert.ok(type !== undefined, response.typeUrl);
      const known = received.get(type);
      for (const { name: resource, resource: any } of response.resources)
        known?.set(resource, any?.value ?? new Uint8Array());
      for (const resource of response.removedResources) known?.delete(resource);
      stream.send({ typeUrl: response.typeUrl, responseNonce: response.nonce });
    }
  })();
  return {
    received,
    subscribe(xds: Shown): void {
      for (const type of ['endpoint', 'route', 'secret'] as const) {
        const wanted = new Set(Object.keys(xds[typeUrls[type]] ?? {}));
        const before = asked.get(type) ?? new Set();
        const fresh = [...wanted].filter((resource) => !before.has(resource));
        const gone = [...before].filter((resource) => !wanted.has(resource));
        // What is on its way when it is given up arrives all the same; an Envoy does not take it.
        for (const resource of received.get(type)?.keys() ?? [])
          if (!wanted.has(resource)) received.get(type)?.delete(resource);
        asked.set(type, wanted);
        if (fresh.length + gone.length === 0) continue;
        const names = { resourceNamesSubscribe: fresh, resourceNamesUnsubscribe: gone };
        stream.send({ typeUrl: typeUrls[type], ...names });
      }
    },
    async stop() {
      open = false;
      stream.cancel();
      await reading;
    },
  };
}

type Proxy = ReturnType<typeof becomeProxy>;

/** Waits until both agree: `_config` may be ahead of the push for a moment. Gives the number of resources. */
async function agree(proxy: Proxy, mesh: string, name: string): Promise<number> {
  return await eventually(async () => {
    const { xds } = (await request('GET', `/meshes/${mesh}/dataplanes/${name}/_config`)) as { readonly xds: Shown };
    proxy.subscribe(xds);
    await new Promise((resolve) => setTimeout(resolve, 5));
    const interned = types.map((type) => {
      const resources = [...(proxy.received.get(type) ?? [])].map(
        ([resource, bytes]) => [resource, internResource(type, resource, bytes, 'outbound')] as const,
      );
      return [type, new Map(resources)] as const;
    });
    const none = { cluster: new Map(), endpoint: new Map(), listener: new Map(), route: new Map(), secret: new Map() };
    const resources = { ...none, runtime: new Map(), ...Object.fromEntries(interned) };
    assert.deepEqual(formatConfig({ resources, warnings: [] }), xds);
    return sameBytes(proxy.received, xds);
  });
}

/** Every resource without secrets, written from what `_config` shows, has the bytes that were received, whatever the order of their fields. */
function sameBytes(received: Received, xds: Shown): number {
  let count = 0;
  for (const type of types) {
    for (const [resource, bytes] of received.get(type) ?? []) {
      count += 1;
      const shown = xds[typeUrls[type]]?.[resource];
      assert.ok(shown !== undefined, resource);
      if (type === 'secret' || JSON.stringify(shown).includes('"inlineBytes":""')) continue;
      const schema: DescMessage = schemas[type];
      const written = toBinary(schema, fromJson(schema, shown, { registry }));
      const ordered = toBinary(schema, fromBinary(schema, bytes));
      assert.ok(Buffer.from(written).equals(ordered), `${type} ${resource} has other bytes`);
    }
  }
  return count;
}

const policies = join(import.meta.dirname, '../../../policies/src');
const scenarios = readdirSync(policies, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .flatMap(({ name }) => {
    const at = join(policies, name, 'scenarios');
    try {
      return readdirSync(at).map((scenario) => ({
        name: `${name}-${scenario}`,
        file: join(at, scenario, 'mesh.yaml'),
      }));
    } catch {
      return [];
    }
  });

/** The documents of a scenario in a mesh of its own. */
function documentsOf(file: string, mesh: string): readonly Document[] {
  return parseAllDocuments(readFileSync(file, 'utf8')).map((parsed) => {
    const document = parsed.toJS() as Document;
    return document.type === 'Mesh' ? { ...document, name: mesh } : { ...document, mesh };
  });
}

test('there are scenarios', () => assert.ok(scenarios.length > 20));

for (const scenario of scenarios) {
  test(`_config is what the proxy has: ${scenario.name}`, async () => {
    const mesh = scenario.name;
    const documents = documentsOf(scenario.file, mesh);
    for (const document of documents) await put(document);
    const dataplanes = documents.filter(({ type }) => type === 'Dataplane');
    const [first, ...others] = dataplanes;
    assert.ok(first !== undefined);
    const connection = await connectTo(controlPlane.dpServer.port);
    const proxy = becomeProxy(connection, mesh, first.name);
    try {
      assert.ok((await agree(proxy, mesh, first.name)) > 3);
      const to = [{ targetRef: { kind: 'Mesh' }, default: { http: { maxStreamDuration: '7s' } } }];
      await put({ type: 'MeshTimeout', mesh, name: 'later', spec: { to } } as Document);
      await agree(proxy, mesh, first.name);
      for (const { name } of others) await request('DELETE', `/meshes/${mesh}/dataplanes/${name}`);
      assert.ok((await agree(proxy, mesh, first.name)) > 1);
    } finally {
      await proxy.stop();
      connection.close();
    }
  });
}
