// Inbounds with a probe: what the probe found (`health`) and what follows from it (`state`), which others read. Pure; written with every put.
import { inboundAddress, inboundServicePort, inboundsOf, isInboundReady } from './dataplane-accessors.ts';
import { labelNames } from './label-names.ts';
import type { ResourceDraft } from './resource.ts';
import type { DataplaneInbound, DataplaneSpec } from './types/dataplane.ts';

type Probed = Pick<ResourceDraft, 'labels' | 'spec'>;

/** Whether the workload behind an inbound is probed. Ignored inbounds are not: they are not meant to be called. */
export function isProbed({ serviceProbe, state }: DataplaneInbound): boolean {
  return serviceProbe !== undefined && state !== 'Ignored';
}

/** Where an inbound listens, `<address>:<port>`: what it is known by within its Dataplane. */
export function inboundKey(spec: DataplaneSpec, inbound: DataplaneInbound): string {
  return `${inboundAddress(spec, inbound)}:${inbound.port ?? 0}`;
}

/** Where the workload of an inbound listens, as its proxy reaches it. */
export function workloadOf(
  spec: DataplaneSpec,
  inbound: DataplaneInbound,
): { readonly address: string; readonly port: number } {
  return {
    address: inbound.serviceAddress || inboundAddress(spec, inbound),
    port: inboundServicePort(inbound) || (inbound.port ?? 0),
  };
}

/** What the probe of an inbound has found last, as far as the Dataplane says; undefined where it says nothing. */
export function probedHealth({ health }: DataplaneInbound): boolean | undefined {
  // Written as `{}` where nothing else is: false is the default of the peer's encoding.
  return health === undefined ? undefined : health.ready === true;
}

/**
 * The Dataplane with answers of probes, by `inboundKey`, in its probed inbounds: `health` says what the probe found, `state` the same unless the
 * whole proxy takes no traffic (a label says so). Without an answer what is there stays; without that, an inbound is not ready until its
 * probe says so. The Dataplane itself when nothing is different.
 */
export function withProbeAnswers<Dataplane extends Probed>(
  dataplane: Dataplane,
  answerTo: (inboundKey: string) => boolean | undefined,
): Dataplane {
  const spec = dataplane.spec as DataplaneSpec;
  const before = inboundsOf(spec);
  if (!before.some(isProbed)) return dataplane;
  const withheld = dataplane.labels[labelNames.withheldPorts] !== undefined;
  const inbound = before.map((each) => {
    if (!isProbed(each)) return each;
    const ready = answerTo(inboundKey(spec, each)) ?? probedHealth(each) ?? false;
    const state = ready && !withheld ? ('Ready' as const) : ('NotReady' as const);
    return each.state === state && each.health?.ready === ready ? each : { ...each, health: { ready }, state };
  });
  if (inbound.every((each, position) => each === before[position])) return dataplane;
  return { ...dataplane, spec: { ...spec, networking: { ...spec.networking, inbound } } };
}

/**
 * A Dataplane about to be written over another one: what probes have found of it stays known, unless the writer says something of it. An inbound
 * that gets a probe while it takes traffic takes it until the probe says otherwise.
 */
export function keepProbeAnswers<Dataplane extends Probed>(
  dataplane: Dataplane,
  stored: Probed | undefined,
): Dataplane {
  const known = new Map<string, boolean>();
  const before = (stored?.spec ?? {}) as DataplaneSpec;
  for (const inbound of inboundsOf(before)) {
    const health = isProbed(inbound) ? probedHealth(inbound) : isInboundReady(inbound);
    if (health !== undefined) known.set(inboundKey(before, inbound), health);
  }
  const spec = dataplane.spec as DataplaneSpec;
  for (const inbound of inboundsOf(spec)) {
    const health = probedHealth(inbound);
    if (health !== undefined) known.set(inboundKey(spec, inbound), health);
  }
  return withProbeAnswers(dataplane, (key) => known.get(key));
}

/** Why others do not send to an inbound, for people; undefined when they do. `probeReason` is what its probe was last told to have found. */
export function whyNotReady(
  labels: Readonly<Record<string, string>>,
  inbound: DataplaneInbound,
  probeReason?: string,
): string | undefined {
  if (isInboundReady(inbound)) return undefined;
  if (inbound.state === 'Ignored') return 'its Dataplane says so: state is Ignored';
  if (labels[labelNames.withheldPorts] !== undefined)
    return labels[labelNames.withheldBecause] === 'lost' ? 'its proxy was lost' : 'its proxy starts or leaves';
  if (isProbed(inbound) && probedHealth(inbound) === false)
    return probeReason === undefined ? 'its probe has found no healthy application' : `its probe fails: ${probeReason}`;
  return `its Dataplane says so: ${inbound.state === 'NotReady' ? 'state is NotReady' : 'health.ready is not true'}`;
}
