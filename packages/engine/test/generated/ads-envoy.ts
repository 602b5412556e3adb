// One real Envoy that is shown configuration after configuration over ADS, in a network of its own, and says what of it it refuses.
// Far quicker than an Envoy for each, and it looks at endpoints, routes and secrets and binds sockets, too.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EnvoyResource, type EnvoyType, typeUrls } from '@ursa/envoy';
import { type GrpcCall, serveCall } from '../../../control-plane/src/delta/grpc/call.ts';
import { decodeIncremental } from '../../../control-plane/src/xds/decode-request.ts';
import { encodeIncremental } from '../../../control-plane/src/xds/encode-response.ts';
import type { ProxyConfig } from '../../src/index.ts';

/** An Envoy that is asked. */
export interface AdsEnvoy {
  /** A folder in which proxies may have their sockets. */
  readonly directory: string;
  /** Shows it a configuration; resolves with its words on each response it refused, or on how it ended. */
  show(resources: ProxyConfig['resources']): Promise<readonly string[]>;
  stop(): Promise<void>;
}

const complete = ['cluster', 'listener'] as const;
const named = ['endpoint', 'secret', 'route'] as const;
/** How long it is waited for that Envoy asks for what clusters and listeners name. */
const patienceMilliseconds = 400;
const answerMilliseconds = 20_000;

let starts = 0;

/** Everything is local to this network, and nothing gets out of it. */
const network = [
  'ip link set lo up',
  'ip route add local default dev lo',
  'ip -6 route add local default dev lo 2>/dev/null',
  'echo 1 > /proc/sys/net/ipv4/ip_nonlocal_bind',
  'echo 1 > /proc/sys/net/ipv6/ip_nonlocal_bind',
  'exec "$@"',
].join('; ');

/** Opens an Envoy; one that ends is started anew for the next configuration. */
export async function openAdsEnvoy(path: string): Promise<AdsEnvoy> {
  execFileSync('unshare', ['--map-root-user', '--net', 'true']);
  const directory = mkdtempSync(join(tmpdir(), 'ursa-ads-envoy-'));
  let running = await start(path, directory);
  return {
    directory,
    async show(resources) {
      const words = await running.show(resources);
      if (!running.ended()) return words;
      await running.stop();
      running = await start(path, directory);
      return words;
    },
    async stop() {
      await running.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

interface Running extends Omit<AdsEnvoy, 'directory'> {
  ended(): boolean;
}

/** As our bootstrap has it: expressions of any length. */
const layeredRuntime = {
  layers: [{ name: 'kuma', staticLayer: { 're2.max_program_size.error_level': 4_294_967_295 } }],
};

function bootstrap(socket: string): object {
  return {
    node: { id: 'shown', cluster: 'shown' },
    dynamicResources: {
      adsConfig: {
        apiType: 'DELTA_GRPC',
        transportApiVersion: 'V3',
        grpcServices: [{ envoyGrpc: { clusterName: 'shown-ads' } }],
      },
      cdsConfig: { ads: {}, resourceApiVersion: 'V3', initialFetchTimeout: '0s' },
      ldsConfig: { ads: {}, resourceApiVersion: 'V3', initialFetchTimeout: '0s' },
    },
    layeredRuntime,
    staticResources: {
      clusters: [
        {
          name: 'shown-ads',
          connectTimeout: '1s',
          type: 'STATIC',
          loadAssignment: {
            clusterName: 'shown-ads',
            endpoints: [{ lbEndpoints: [{ endpoint: { address: { pipe: { path: socket } } } }] }],
          },
          typedExtensionProtocolOptions: {
            'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
              '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
              explicitHttpConfig: { http2ProtocolOptions: {} },
            },
          },
        },
      ],
    },
  };
}

async function start(path: string, directory: string): Promise<Running> {
  const socket = join(directory, `ads-${++starts}.sock`);
  const typeOf = new Map(Object.entries(typeUrls).map(([type, url]) => [url, type as EnvoyType]));
  const subscribed = new Map<EnvoyType, Set<string>>(named.map((type) => [type, new Set()]));
  const latest = new Map<EnvoyType, ReadonlyMap<string, EnvoyResource>>();
  /** What Envoy is known to have; a resource of a refused response is not known. */
  const held = new Map<EnvoyType, Map<string, string>>();
  /** Names that it may have. */
  const sent = new Map<EnvoyType, Set<string>>();
  const answers = new Map<string, (words: string | undefined) => void>();
  const asked = new Set<EnvoyType>();
  const onAsked = new Set<() => void>();
  let call: GrpcCall | undefined;
  let nonces = 0;
  let late: string[] = [];
  let output = '';

  const respond = (
    type: EnvoyType,
    resources: readonly EnvoyResource[],
    removed: readonly string[],
  ): Promise<string | undefined> => {
    const nonce = String(++nonces);
    const ours = of(held, type, () => new Map<string, string>());
    const names = of(sent, type, () => new Set<string>());
    for (const { name, version } of resources) {
      ours.set(name, version);
      names.add(name);
    }
    for (const name of removed) {
      ours.delete(name);
      names.delete(name);
    }
    const answer = new Promise<string | undefined>((resolve) => {
      const timer = setTimeout(
        () => resolve(`no answer to ${type} within ${answerMilliseconds} ms`),
        answerMilliseconds,
      );
      answers.set(nonce, (words) => {
        clearTimeout(timer);
        if (words !== undefined) for (const { name } of resources) ours.set(name, 'unknown');
        resolve(words === undefined ? undefined : `${type}: ${words}`);
      });
    });
    call?.write(encodeIncremental(type, { nonce, resources, removed, changed: [], added: [] }));
    return answer;
  };

  const server = createServer();
  server.on('stream', (stream, headers) => {
    serveCall(
      stream,
      headers,
      (opened) => {
        call = opened;
        return {
          onMessage(message) {
            const request = decodeIncremental(message);
            const type = typeOf.get(request.typeUrl);
            if (type === undefined) return;
            if (request.nonce !== '') {
              answers.get(request.nonce)?.(request.error);
              answers.delete(request.nonce);
            }
            asked.add(type);
            const wanted = subscribed.get(type);
            for (const name of request.dropped) {
              wanted?.delete(name);
              held.get(type)?.delete(name);
            }
            const fresh = request.names.filter((name) => wanted !== undefined && name !== '*' && wanted.add(name));
            const resources = fresh.flatMap((name) => latest.get(type)?.get(name) ?? []);
            if (resources.length > 0)
              void respond(type, resources, []).then((words) => words !== undefined && late.push(words));
            else if (request.nonce === '' && wanted === undefined && latest.size === 0) void respond(type, [], []);
            for (const wake of onAsked) wake();
          },
          onDrain: () => undefined,
          onClose: () => undefined,
        };
      },
      64 * 1024 * 1024,
      (error) => late.push(`bug: ${String(error)}`),
      () => undefined,
    );
  });
  server.listen(socket);
  await once(server, 'listening');

  const file = join(directory, 'bootstrap.json');
  writeFileSync(file, JSON.stringify(bootstrap(socket)));
  const given = ['-c', file, '--disable-hot-restart', '--concurrency', '1', '-l', 'critical', '--drain-time-s', '1'];
  const child: ChildProcess = spawn(
    'unshare',
    ['--map-root-user', '--net', 'sh', '-c', network, 'sh', path, ...given],
    { stdio: ['ignore', 'ignore', 'pipe'], cwd: directory },
  );
  child.stderr?.on('data', (chunk: Buffer) => (output = `${output}${chunk}`.slice(-4000)));
  const exited = once(child, 'exit').then(() => {
    for (const answer of answers.values()) answer(`Envoy ended: ${output}`);
    for (const wake of onAsked) wake();
  });
  const ended = (): boolean => child.exitCode !== null || child.signalCode !== null;

  /** Resolves once the condition holds at a request of Envoy's, or after the time. */
  const waitUntil = (condition: () => boolean, milliseconds: number): Promise<boolean> =>
    new Promise((resolve) => {
      const finish = (held: boolean) => {
        clearTimeout(timer);
        onAsked.delete(look);
        resolve(held);
      };
      const look = () => {
        if (ended() || condition()) finish(condition());
      };
      const timer = setTimeout(() => finish(false), milliseconds);
      onAsked.add(look);
      look();
    });

  if (!(await waitUntil(() => asked.has('listener'), answerMilliseconds)))
    throw new Error(`Envoy did not come: ${output}`);

  return {
    ended,
    async show(resources) {
      late = [];
      for (const type of [...complete, ...named]) latest.set(type, resources[type]);
      const refusals: (string | undefined)[] = [];
      const push = (type: EnvoyType, removed: readonly string[] = []): Promise<string | undefined> | undefined => {
        const ours = of(held, type, () => new Map<string, string>());
        const wanted = subscribed.get(type);
        const changed = [...resources[type].values()].filter(
          ({ name, version }) => wanted?.has(name) !== false && ours.get(name) !== version,
        );
        // A cluster that changes waits for its endpoints again.
        if (type === 'cluster') for (const { name } of changed) held.get('endpoint')?.delete(name);
        return changed.length + removed.length === 0 ? undefined : respond(type, changed, removed);
      };
      const gone = (type: EnvoyType): string[] =>
        [...of(sent, type, () => new Set<string>())].filter((name) => !resources[type].has(name));
      // Envoy answers for clusters once they are warm: what they wait for goes with them.
      const early = [push('cluster', gone('cluster')), ...named.map((type) => push(type))];
      refusals.push(...(await Promise.all(early)));
      if (ended()) return [`Envoy ended: ${output}`];
      refusals.push(await push('listener', gone('listener')));
      const wantsAll = () =>
        named.every((type) => [...resources[type].keys()].every((name) => subscribed.get(type)?.has(name)));
      if (refusals.every((words) => words === undefined)) await waitUntil(wantsAll, patienceMilliseconds);
      refusals.push(...(await Promise.all(named.map((type) => push(type)))));
      await waitUntil(() => answers.size === 0, answerMilliseconds);
      return [
        ...refusals.filter((words) => words !== undefined),
        ...late,
        ...(ended() ? [`Envoy ended: ${output}`] : []),
      ];
    },
    async stop() {
      if (!ended()) child.kill('SIGKILL');
      await exited;
      call?.end({ code: 0, message: '' });
      server.close();
    },
  };
}

function of<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const value = map.get(key) ?? make();
  map.set(key, value);
  return value;
}
