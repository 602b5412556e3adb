// Readings of a Dataplane that many parts need: the defaults of its fields live here and nowhere else.
import { tagNames } from './label-names.ts';
import { type MeshProtocol, parseProtocol } from './protocols.ts';
import type { DataplaneInbound, DataplaneSpec } from './types/dataplane.ts';

/** All inbounds, also those that are not ready. */
export function inboundsOf(spec: DataplaneSpec): readonly DataplaneInbound[] {
  return spec.networking?.inbound ?? [];
}

/** An inbound's tags; {} when it has none. */
export function inboundTags(inbound: DataplaneInbound): Readonly<Record<string, string>> {
  return inbound.tags ?? {};
}

/** What an inbound speaks: its `protocol`, else its tag, else TCP. */
export function inboundProtocol(inbound: DataplaneInbound): MeshProtocol {
  return parseProtocol(inbound.protocol ?? inboundTags(inbound)[tagNames.protocol] ?? '') ?? 'tcp';
}

/** The service an inbound belongs to; undefined when it has no service tag. */
export function inboundService(inbound: DataplaneInbound): string | undefined {
  return inboundTags(inbound)[tagNames.service];
}

/** Port of the application; that of the inbound unless said otherwise. */
export function inboundServicePort(inbound: DataplaneInbound): number {
  return inbound.servicePort ?? inbound.port ?? 0;
}

/** Address of the application; loopback unless said otherwise. */
export function inboundServiceAddress(inbound: DataplaneInbound): string {
  return inbound.serviceAddress ?? '127.0.0.1';
}

/** Address the inbound's listener binds to. */
export function inboundAddress(spec: DataplaneSpec, inbound: DataplaneInbound): string {
  return inbound.address ?? spec.networking?.address ?? '';
}

/** How a `sectionName` names an inbound: by its name, else its port. */
export function inboundSection(inbound: DataplaneInbound): string {
  return inbound.name ?? String(inbound.port ?? 0);
}

/** True when other proxies may be sent to this inbound. */
export function isInboundReady(inbound: DataplaneInbound): boolean {
  return (inbound.state ?? 'Ready') === 'Ready' && (inbound.health === undefined || inbound.health.ready === true);
}

/** Address at which other proxies reach this one. */
export function advertisedAddress(spec: DataplaneSpec): string {
  return spec.networking?.advertisedAddress ?? spec.networking?.address ?? '';
}

/** What stands at this proxy: a workload's sidecar, someone else's gateway, or our own. */
export function dataplaneKind(spec: DataplaneSpec): 'sidecar' | 'delegated-gateway' | 'builtin-gateway' {
  const { gateway } = spec.networking ?? {};
  if (gateway === undefined) return 'sidecar';
  return gateway.type === 'BUILTIN' ? 'builtin-gateway' : 'delegated-gateway';
}

/** Tags of every inbound and of the gateway, one map each. */
export function tagMapsOf(spec: DataplaneSpec): readonly Readonly<Record<string, string>>[] {
  const { gateway } = spec.networking ?? {};
  const inbounds = inboundsOf(spec).map(inboundTags);
  return gateway?.tags === undefined ? inbounds : [gateway.tags, ...inbounds];
}

/** Names of the services this proxy stands for, sorted, each once. */
export function servicesOf(spec: DataplaneSpec): readonly string[] {
  const names = tagMapsOf(spec).flatMap((tags) => tags[tagNames.service] ?? []);
  return [...new Set(names)].sort();
}

/** All values of every tag over all inbounds and the gateway; keys and values sorted, each once. */
export function tagSetOf(spec: DataplaneSpec): ReadonlyMap<string, readonly string[]> {
  const values = new Map<string, Set<string>>();
  for (const tags of tagMapsOf(spec)) {
    for (const [key, value] of Object.entries(tags)) {
      const known = values.get(key) ?? new Set();
      values.set(key, known.add(value));
    }
  }
  return new Map([...values].sort().map(([key, known]) => [key, [...known].sort()]));
}
