// Health discovery: each proxy's Envoy probes its workload as the inbounds say, and reports. Nothing is sent to a proxy without probes.
import type { Derivation } from '@ursa/collections';
import { type DataplaneSpec, MeshError, type Resource, type ResourceKey, withProbeAnswers } from '@ursa/resources';
import { type GrpcCall, type GrpcHandler, type GrpcMethod, grpcStatus } from '../../delta/grpc/index.ts';
import { keyInType, type LiveResources } from '../../store/live-resources.ts';
import { outcomeOf } from '../ads-stream.ts';
import type { DpServerLog } from '../connected-proxies.ts';
import type { ProvenProxy, ProxyAuthentication } from '../proxy-authentication.ts';
import type { ProxyNode } from '../proxy-node.ts';
import { resourceKeyOf } from '../registration.ts';
import { type Damping, openDamping } from './damping.ts';
import { type ProbeFinding, readHealthMessage } from './health-message.ts';
import type { HealthMetrics } from './health-metrics.ts';
import { encodeSpecifier, type HealthSettings, type Probe, probesOf } from './probes.ts';

/** What the probe of an inbound has found, as others are to see it. */
export interface ProbeAnswer {
  readonly healthy: boolean;
  /** Why it is not, for people. */
  readonly reason?: string;
}

/** Where answers go. */
export interface HealthReports {
  /** The Dataplane is to say so, by `inboundKey`. Called again until it does. */
  report(proxy: ResourceKey, answers: ReadonlyMap<string, ProbeAnswer>): void;
}

/** What health discovery works with. */
export interface HealthDiscoveryOptions {
  readonly settings: HealthSettings;
  readonly live: LiveResources;
  readonly authentication: ProxyAuthentication;
  readonly reports: HealthReports;
  /** The IP address behind an address, tracked. */
  readonly ipOf?: ((address: string) => string | undefined) | undefined;
  readonly metrics?: HealthMetrics | undefined;
  readonly log: DpServerLog;
  /** Milliseconds, of any clock. */
  readonly now?: () => number;
}

/** How long a client may hold a stream before it has proven who it is. */
const introductionMilliseconds = 10_000;
/** Reports that differ from the one before, within a second; Envoy sends two. */
const reportsPerSecond = 20;

/** Opens the method of the service. */
export function openHealthDiscovery(options: HealthDiscoveryOptions): GrpcMethod {
  const { live, authentication, metrics, log } = options;
  const { resources, graph } = live;
  const streams = new Map<string, GrpcCall>();
  const { ipOf = (address: string) => address } = options;
  const dataplane = graph.derive('probed Dataplane', (key: string): ProbedDataplane | undefined => {
    const resource = resources('Dataplane').get(key);
    if (resource === undefined) return undefined;
    const { address = '' } = (resource.spec as DataplaneSpec).networking ?? {};
    return { resource, ownAddress: ipOf(address) };
  });

  const introduce = async (call: GrpcCall, node: ProxyNode): Promise<Conversation> => {
    if (node.proxy.proxyType !== 'dataplane')
      throw new MeshError('invalid', 'only workloads are probed, not zone proxies');
    const proven = await authentication.verify(node.proxy, call.header('authorization'));
    return openConversation(call, node, proven, dataplane, options);
  };

  return (call): GrpcHandler => {
    metrics?.opened();
    let conversation: Conversation | undefined;
    let key: string | undefined;
    let closed = false;
    const introduction = setTimeout(() => {
      call.end({ code: grpcStatus.deadlineExceeded, message: 'the proxy did not say in time who it is' });
    }, introductionMilliseconds).unref();
    const refuse = (error: unknown): void => {
      if (error instanceof MeshError) call.end(outcomeOf(error));
      else call.fail(error);
    };
    const enter = (node: ProxyNode): void => {
      key = keyInType(resourceKeyOf(node.proxy));
      call.pause();
      introduce(call, node)
        .then((opened) => {
          clearTimeout(introduction);
          if (closed) return opened.stop();
          streams.get(key ?? '')?.end({ code: grpcStatus.aborted, message: `another proxy reports as "${node.id}"` });
          streams.set(key ?? '', call);
          conversation = opened;
          call.proven();
          call.resume();
          opened.start();
        })
        .catch((error: unknown) => {
          log.warn('a health stream was refused', { proxy: node.id, reason: outcomeOf(error).message });
          refuse(error);
        });
    };
    return {
      onMessage(bytes) {
        try {
          if (conversation?.isKnown(bytes) === true) return metrics?.reported();
          const message = readHealthMessage(bytes);
          if (message.kind === 'introduction') {
            metrics?.introduced();
            // Envoy introduces itself once; whoever does it again wants to be another.
            if (key !== undefined) throw new MeshError('invalid', 'the proxy has said already who it is');
            enter(message.node);
          } else if (conversation === undefined) {
            throw new MeshError('invalid', 'a report came before the proxy has said who it is');
          } else {
            metrics?.reported();
            conversation.found(message.findings, bytes);
          }
        } catch (error) {
          refuse(error);
        }
      },
      onDrain: () => undefined,
      onClose() {
        closed = true;
        clearTimeout(introduction);
        metrics?.closed();
        conversation?.stop();
        if (key !== undefined && streams.get(key) === call) streams.delete(key);
      },
    };
  };
}

/** A Dataplane, and the IP address that its own address is or stands for. */
interface ProbedDataplane {
  readonly resource: Resource;
  readonly ownAddress: string | undefined;
}

/** What is asked of one proxy, and what it has answered. */
interface Conversation {
  start(): void;
  /** Whether this is the last report again. */
  isKnown(bytes: Uint8Array): boolean;
  /** Throws `MeshError('too-large')` when reports come too fast. */
  found(findings: ReadonlyMap<string, ProbeFinding>, bytes: Uint8Array): void;
  stop(): void;
}

function openConversation(
  call: GrpcCall,
  node: ProxyNode,
  proven: ProvenProxy,
  dataplane: Derivation<readonly [key: string], ProbedDataplane | undefined>,
  { settings, live, reports, metrics, now = () => performance.now() }: HealthDiscoveryOptions,
): Conversation {
  const key = resourceKeyOf(node.proxy);
  const probed = new Map<string, { readonly probe: Probe; readonly damping: Damping; finding?: ProbeFinding }>();
  const watches: { stop(): void }[] = [
    proven.watch((reason) => call.end({ code: grpcStatus.unauthenticated, message: reason })),
  ];
  let asked: Uint8Array | undefined;
  let last: Uint8Array | undefined;
  let held: NodeJS.Timeout | undefined;
  let second = 0;
  let count = 0;

  const answers = (): ReadonlyMap<string, ProbeAnswer> => {
    const time = now();
    let until = Number.POSITIVE_INFINITY;
    const all = [...probed].flatMap(([name, { probe, damping, finding }]): [string, ProbeAnswer][] => {
      if (finding === undefined) return [];
      const { healthy, heldUntil } = damping.state(time);
      if (heldUntil !== undefined) until = Math.min(until, heldUntil);
      return [[name, healthy ? { healthy } : { healthy, reason: reasonOf(probe, finding) }]];
    });
    clearTimeout(held);
    if (until !== Number.POSITIVE_INFINITY) held = setTimeout(tell, until - time + 1).unref();
    return new Map(all);
  };

  /** Until the Dataplane says what the probes have found, whoever wrote it last. */
  function tell(): void {
    const resource = live.get(key);
    const found = answers();
    if (resource === undefined || found.size === 0) return;
    const saying = withProbeAnswers(resource, (name) => found.get(name)?.healthy);
    if (saying !== resource) reports.report(key, found);
  }

  const ask = (found: ProbedDataplane | undefined): void => {
    const started = performance.now();
    const probes = found === undefined ? [] : probesFor(found);
    // Who was never asked anything, and has nothing to probe, stays unasked.
    if (asked === undefined && probes.length === 0) return;
    const specifier = encodeSpecifier(probes, settings);
    metrics?.generated(performance.now() - started);
    if (asked !== undefined && Buffer.compare(asked, specifier) === 0) return;
    asked = specifier;
    last = undefined;
    for (const name of probed.keys()) if (!probes.some(({ inboundKey }) => inboundKey === name)) probed.delete(name);
    for (const probe of probes) {
      const before = probed.get(probe.inboundKey);
      const isSame = before?.probe.address === probe.address && before.probe.port === probe.port;
      probed.set(probe.inboundKey, isSame ? { ...before, probe } : { probe, damping: openDamping() });
    }
    call.write([specifier]);
  };

  const probesFor = ({ resource, ownAddress }: ProbedDataplane): readonly Probe[] => {
    const spec = resource.spec as DataplaneSpec;
    const ipOf = (address: string) => (address === spec.networking?.address ? ownAddress : address);
    return probesOf(spec, redirects(node, resource), settings, ipOf);
  };

  const follow = (found: ProbedDataplane | undefined): void => {
    try {
      if (found !== undefined) proven.check(found.resource);
      ask(found);
      tell();
    } catch (error) {
      metrics?.failed();
      if (error instanceof MeshError) call.end(outcomeOf(error));
      else call.fail(error);
    }
  };

  return {
    start() {
      const watch = live.graph.watch(dataplane, [keyInType(key)], follow);
      watches.push(watch);
      follow(watch.value);
    },
    isKnown: (bytes) => last !== undefined && Buffer.compare(last, bytes) === 0,
    found(findings, bytes) {
      const time = now();
      if (time - second > 1000) [second, count] = [time, 0];
      count += 1;
      if (count > reportsPerSecond) throw new MeshError('too-large', 'reports of health come too fast');
      last = bytes;
      for (const [name, entry] of probed) {
        const finding = findings.get(name);
        if (finding === undefined) continue;
        entry.finding = finding;
        entry.damping.found(finding === 'healthy', time);
      }
      tell();
    },
    stop() {
      clearTimeout(held);
      for (const watch of watches) watch.stop();
    },
  };
}

/** Whether the host of the proxy redirects connections, as the proxy says or else its Dataplane. */
function redirects({ proxy }: ProxyNode, { spec }: Resource): boolean {
  if (proxy.transparentProxy !== undefined) return proxy.transparentProxy.enabled;
  const { networking } = spec as {
    readonly networking?: { readonly transparentProxying?: { redirectPortInbound?: number } };
  };
  return (networking?.transparentProxying?.redirectPortInbound ?? 0) > 0;
}

function reasonOf({ address, port, timeout }: Probe, finding: ProbeFinding): string {
  const where = `${address.includes(':') ? `[${address}]` : address}:${port}`;
  if (finding === 'timeout') return `nothing has answered at ${where} within ${timeout / 1000} s`;
  if (finding === 'healthy') return `it failed again and again at ${where}; it has to answer for a while`;
  return `nothing accepts connections at ${where}`;
}
