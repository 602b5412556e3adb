// The parts of a proxy that policies can speak of, by KRI: for the API, the CLI and the GUI. Works for proxies that are not connected, too.
import type { Derivation, Graph } from '@ursa/collections';
import { type Protocol, unifiedNames } from '@ursa/envoy';
import { displayNameOf, formatKri, type Labels, labelNames } from '@ursa/resources';
import type { DataplaneFacts } from './dataplane-facts.ts';
import type { Destination } from './destinations.ts';
import type { EngineInputs } from './engine.ts';
import { features } from './features.ts';
import type { OutboundDerivations } from './outbounds.ts';

/** One port of a proxy. */
export interface LayoutPort {
  readonly kri: string;
  readonly port: number;
  readonly protocol: Protocol;
  /** Name of its Envoy resources in unified form. */
  readonly proxyResourceName: string;
}

/** The layout of a proxy. Outbounds to services known by their tag have no KRI and are left out. */
export interface ProxyLayout {
  readonly kri: string;
  readonly labels: Labels;
  readonly inbounds: readonly LayoutPort[];
  readonly outbounds: readonly LayoutPort[];
}

function dataplaneKri(facts: DataplaneFacts, section: string): string {
  const { labels, mesh } = facts;
  const zone = labels[labelNames.zone] ?? '';
  const namespace = labels[labelNames.namespace] ?? '';
  return formatKri({ type: 'dp', mesh, zone, namespace, name: displayNameOf(facts), section });
}

/** A port of a service as policies speak of it: by its own number and name, wherever the proxy calls it. */
function portOf({ target, source, protocol }: Destination): LayoutPort[] {
  if (target.kind === 'service' || source.kind === 'service') return [];
  const { mesh, zone, namespace, name, sectionName } = target.id;
  const kri = formatKri({ type: 'msvc', mesh, zone, namespace, name, section: sectionName });
  return [{ kri, port: source.port, protocol, proxyResourceName: kri }];
}

/** Layouts by the Dataplane's key; undefined while there is no such Dataplane. */
export function deriveLayout(
  graph: Graph,
  inputs: EngineInputs,
  dataplane: Derivation<readonly [key: string], DataplaneFacts | undefined>,
  outbounds: OutboundDerivations,
): Derivation<readonly [proxyKey: string], ProxyLayout | undefined> {
  const isTransparent = (proxyKey: string, facts: DataplaneFacts): boolean =>
    facts.redirect !== undefined ||
    facts.gateway?.kind === 'builtin' ||
    inputs.proxies.get(proxyKey)?.features.includes(features.transparentProxy) === true;

  return graph.derive('layout', (proxyKey: string): ProxyLayout | undefined => {
    const facts = dataplane.get(proxyKey);
    if (facts === undefined) return undefined;
    const listed = outbounds.outbounds.get(proxyKey, isTransparent(proxyKey, facts));
    const ports = new Map(listed.flatMap(({ destination }) => portOf(destination)).map((port) => [port.kri, port]));
    return {
      kri: dataplaneKri(facts, ''),
      labels: facts.labels,
      inbounds: facts.inbounds.map((inbound) => ({
        kri: dataplaneKri(facts, inbound.section),
        port: inbound.port,
        protocol: inbound.protocol,
        proxyResourceName: unifiedNames.inboundListener(inbound),
      })),
      outbounds: [...ports.values()].sort((first, second) => (first.kri < second.kri ? -1 : 1)),
    };
  });
}
