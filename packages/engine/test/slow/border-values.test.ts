// The line that our validation draws is where the real Envoy draws it: values on both sides of it are shown to Envoy, past validation.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fetchEnvoy } from '@ursa/data-plane';
import { resourceJson } from '@ursa/envoy';
import { policyResourceTypes } from '@ursa/policies';
import { coreResourceTypes, createResourceTypes, MeshError, parseResource, type Resource } from '@ursa/resources';
import { type BorderValue, borderValues } from '../../../policies/test/border-values.ts';
import { argumentChecks, formatCommands } from '../../../resources/src/format-commands.ts';
import { describeFormatError } from '../../../resources/src/format-string.ts';
import type { ProxyConfig } from '../../src/index.ts';
import { bootstrapOf } from '../bootstrap.ts';
import { createWorld } from '../world.ts';
import { validateByEnvoy } from './validate-by-envoy.ts';

const types = createResourceTypes([...coreResourceTypes, ...policyResourceTypes]);
const mesh = 'line';
const services = { api: 'http', rpc: 'grpc', db: 'tcp', h2: 'http2' };

interface Instance {
  readonly service: string;
  readonly protocol: string;
  readonly address: string;
  readonly rack?: string;
}

function dataplane(
  name: string,
  { service, protocol, address, rack }: Instance,
  calls: readonly string[] = [],
): object {
  const tags = { 'kuma.io/service': service, 'kuma.io/protocol': protocol, ...(rack && { rack }) };
  const outbound = calls.map((call, index) => ({ port: 10_001 + index, tags: { 'kuma.io/service': call } }));
  const redirected = { transparentProxying: { redirectPortInbound: 15_006, redirectPortOutbound: 15_001 }, outbound };
  const networking = { address, inbound: [{ port: 8080, tags }], ...(calls.length > 0 && redirected) };
  return { type: 'Dataplane', mesh, name, networking };
}

// One proxy that gets and sends requests of every protocol; of two instances it calls, one is in its own rack.
function openWorld() {
  const world = createWorld();
  const documents = [
    { type: 'Mesh', name: mesh, skipCreatingInitialPolicies: ['*'] },
    dataplane('web', { service: 'web', protocol: 'http', address: '10.0.0.1', rack: 'r1' }, Object.keys(services)),
    dataplane('api-2', { service: 'api', protocol: 'http', address: '10.0.0.9', rack: 'r1' }),
    ...Object.entries(services).map(([service, protocol], index) =>
      dataplane(service, { service, protocol, address: `10.0.0.${index + 2}` }),
    ),
  ];
  for (const document of documents) world.apply(document);
  world.settle();
  return world;
}

/** In normal form where our validation takes it, and as it is where not: what a store of before may hold. */
function specOf({ type, spec }: BorderValue): unknown {
  try {
    const inline = types.byName(type)?.specForm === 'inline';
    return parseResource(types, { type, mesh, name: 'value', ...(inline ? spec : { spec }) }).spec;
  } catch (error) {
    if (!(error instanceof MeshError)) throw error;
    return spec;
  }
}

function configOf(value?: BorderValue): ProxyConfig {
  const world = openWorld();
  if (value !== undefined) {
    const time = '2026-01-01T00:00:00Z';
    const head = { type: value.type, mesh, name: 'value', labels: {}, creationTime: time, modificationTime: time };
    world.resources(value.type).set(`${mesh}/value`, { ...head, version: 1, spec: specOf(value) } as Resource);
  }
  const config = world.engine.config.get(world.connect(mesh, 'web'));
  assert.ok(config);
  return config;
}

interface Judged {
  readonly clusters: readonly { readonly name: string; readonly type?: string }[];
  readonly listeners: readonly { readonly name: string }[];
}

/** With endpoints in the clusters, so that they are judged, too, and without what only a whole proxy has: certificates. */
function judgedBootstrap(config: ProxyConfig): object {
  const { staticResources, ...rest } = bootstrapOf(config) as { readonly staticResources: Judged };
  const own = /admin|readiness|probe/;
  const clusters = staticResources.clusters
    .filter(({ name }) => !own.test(name))
    .map(({ type, ...cluster }) => {
      const endpoint = config.resources.endpoint.get(cluster.name);
      if (type !== 'EDS' || endpoint === undefined) return { ...cluster, type };
      return { ...cluster, edsClusterConfig: undefined, type: 'STATIC', loadAssignment: resourceJson(endpoint) };
    });
  const listeners = staticResources.listeners.filter(({ name }) => !own.test(name));
  return { ...rest, staticResources: { clusters, listeners } };
}

const cannotBeMade = /nothing can be made of it/;

test('Envoy takes and refuses the values that our validation takes and refuses', async (context) => {
  const { path } = await fetchEnvoy(process.env);
  const folder = mkdtempSync(join(tmpdir(), 'ursa-line-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'bootstrap.json');
  const without = JSON.stringify(judgedBootstrap(configOf()));
  assert.equal(await validateByEnvoy(path, file, JSON.parse(without) as object), '');
  const wrong: string[] = [];
  for (const value of borderValues) {
    const name = `${value.type}: ${value.what}`;
    const config = configOf(value);
    const unmade = config.warnings.find(({ message }) => cannotBeMade.test(message))?.message ?? '';
    const bootstrap = judgedBootstrap(config);
    const verdict = unmade || (await validateByEnvoy(path, file, bootstrap));
    const expected = value.refusedAt !== undefined && value.stricter === undefined;
    if ((verdict !== '') !== expected)
      wrong.push(`${name}: Envoy ${verdict === '' ? 'takes it' : `says ${verdict.slice(-300)}`}`);
    if (value.refusedAt === undefined && JSON.stringify(bootstrap) === without)
      wrong.push(`${name}: makes no difference`);
  }
  context.diagnostic(`${borderValues.length} values`);
  assert.deepEqual(wrong, []);
});

/** Arguments that Envoy takes, for commands that look at theirs. */
const goodArguments: Readonly<Record<string, string>> = {
  COMMON_DURATION: 'DS_RX_BEG:DS_TX_END:us',
  FILTER_STATE: 'key:FIELD:name',
  UPSTREAM_FILTER_STATE: 'key:PLAIN',
  PATH: 'NQ:ORIG_OR_PATH',
  QUERY_PARAMS: 'DECODED',
  GRPC_STATUS: 'SNAKE_STRING',
  METADATA: 'LISTENER_FILTER_CHAIN:a:b',
  CEL: 'request.path',
  COALESCE: '{"operators":["TRACE_ID",{"command":"REQ","param":"a","max_length":3}]}',
};

const badFormats = [
  ['%REQ(a b)%', '%REQ(a?b?c)%', '%RESP(:)%', '%TRAILER(é)%', '%REQUEST_HEADER(a)b)%', '%REQ()%', '%REQ%', '%REQ (a)%'],
  ['%PROTOCOL(a)%', '%PROTOCOL:3%', '%START_TIME:3%', '%START_TIME(%En)%', '%EMIT_TIME_LOCAL(%_5n)%', '%REQ(a\nb)%'],
  ['%DOWNSTREAM_PEER_CERT_V_END(%n)%', '%FILTER_STATE(a:NO)%', '%FILTER_STATE(a:FIELD)%', '%FILTER_STATE(:PLAIN)%'],
  ['%UPSTREAM_FILTER_STATE(a:PLAIN:b)%', '%COMMON_DURATION(a)%', '%COMMON_DURATION(a:b:s)%', '%COMMON_DURATION(a:b:)%'],
  ['%PATH(X)%', '%PATH(WQ:X)%', '%QUERY_PARAMS(X)%', '%GRPC_STATUS(X)%', '%GRPC_STATUS(NUMBER):3%', '%METADATA(X:a)%'],
  ['%METADATA(ROUTE:a)', '%COALESCE({})%', '%COALESCE({"operators":[]})%', '%COALESCE({"operators":[1]})%', '%CEL()%'],
  [
    '%COALESCE({"operators":["NOPE"]})%',
    '%COALESCE({"operators":[{"command":"PROTOCOL","max_length":1}]})%',
    '%%%',
    '%_%',
  ],
  ['%REQ(a):18446744073709551616%', '%REQ(a):%', '%REQ(a):x%', '%UPSTREAM_METADATA(a):3%', '%protocol%', '% PROTOCOL%'],
].flat();

/** A proxy that logs in a format. */
function logging(format: string): object {
  const api = 'type.googleapis.com/envoy.extensions';
  const logFormat = { textFormatSource: { inlineString: format } };
  const accessLog = [
    {
      name: 'log',
      typedConfig: { '@type': `${api}.access_loggers.file.v3.FileAccessLog`, path: '/dev/null', logFormat },
    },
  ];
  const typedConfig = {
    '@type': `${api}.filters.network.tcp_proxy.v3.TcpProxy`,
    statPrefix: 'tcp',
    cluster: 'none',
    accessLog,
  };
  const address = { socketAddress: { address: '127.0.0.1', portValue: 1 } };
  const listener = { name: 'listener', address, filterChains: [{ filters: [{ name: 'tcp', typedConfig }] }] };
  const clusters = [{ name: 'none', connectTimeout: '1s' }];
  return { node: { id: 'node', cluster: 'node' }, staticResources: { listeners: [listener], clusters } };
}

test('Envoy has the commands that formats may hold, and takes and refuses their arguments as we do', async (context) => {
  const { path } = await fetchEnvoy(process.env);
  const folder = mkdtempSync(join(tmpdir(), 'ursa-formats-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const verdictOn = (format: string) => validateByEnvoy(path, join(folder, 'bootstrap.json'), logging(format));
  const good = [...formatCommands].flatMap(([name, form]) => {
    const argument = `(${goodArguments[name] ?? 'a'})`;
    const bare = form.startsWith('has') ? [] : [`%${name}%`];
    const withArgument = form === 'alone' ? [`%${name}()%`] : [`%${name}${argument}%`];
    const withLength = form.endsWith('length') ? [`%${name}${argument}:12%`] : [];
    return [...bare, ...withArgument, ...withLength];
  });
  assert.deepEqual(
    [...argumentChecks.keys()].filter((name) => !formatCommands.has(name)),
    [],
  );
  assert.deepEqual(good.map(describeFormatError).filter(Boolean), []);
  assert.equal(await verdictOn(good.join(' %% ')), '');
  context.diagnostic(`${formatCommands.size} commands`);
  for (const format of badFormats) {
    assert.notEqual(describeFormatError(format), undefined, format);
    assert.notEqual(await verdictOn(format), '', format);
  }
});
