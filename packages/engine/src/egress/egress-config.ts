// The configuration of zone egresses. They belong to no mesh: one listener serves the services outside of all meshes that give egresses an identity, and leads on
// to other zones.
import type { Derivation } from '@ursa/collections';
import { type EnvoyResource, encodeResource, identitySecret, type ListenerDraft } from '@ursa/envoy';
import { tagNames, type ZoneEgressSpec } from '@ursa/resources';
import type { ConfigWarning, ConnectedProxy, IdentityRequest, ProxyConfig } from '../engine.ts';
import { ipLookup } from '../host-address.ts';
import { egressService } from '../identity/egress-identity.ts';
import { trustOf } from '../identity/secret-resources.ts';
import { type BuiltMaps, sameResources, toMaps } from '../resource-set.ts';
import { adminClusters, adminListener } from '../skeleton/admin.ts';
import { egressListener } from '../skeleton/egress.ts';
import { attempt, type Built, isUnbuilt } from '../unbuilt.ts';
import { deriveEgressClass, type EgressClass } from './egress-class.ts';
import {
  deriveEgressServices,
  type EgressServiceOptions,
  type EgressServices,
  type ServedPart,
  sameParts,
} from './egress-services.ts';
import { deriveOtherZones } from './other-zones.ts';

/** Configurations and identities of zone egresses. */
export interface EgressDerivations {
  /** By proxy key; undefined for what is no connected egress. */
  readonly config: Derivation<readonly [proxyKey: string], EgressConfig | undefined>;
  /** Keys of the certificates that an egress must have; undefined for other proxies. */
  identityKeys(proxyKey: string): readonly string[] | undefined;
  /** What such a certificate must say; undefined for other keys. */
  identityRequest(identityKey: string): IdentityRequest | undefined;
  readonly services: EgressServices;
}

/** What an egress gets, as far as it could be built. */
export type EgressConfig = ProxyConfig & BuiltMaps;

interface Found {
  readonly connected: ConnectedProxy;
  readonly spec: ZoneEgressSpec;
  readonly egressClass: EgressClass;
}

/** Key of an egress' certificate of a mesh. No Dataplane can have it: their names have no slashes. */
function identityKey(mesh: string, proxyKey: string): string {
  return `${mesh}/${proxyKey}`;
}

/** Derives them. */
export function deriveEgressConfigs(options: EgressServiceOptions): EgressDerivations {
  const { graph, inputs, meshFacts, trustDomains, egressIdentities } = options;
  const services = deriveEgressServices(options);
  const otherZones = deriveOtherZones(graph, inputs, meshFacts);
  const classOf = deriveEgressClass(graph, ipLookup(inputs));

  const isEgress = graph.derive(
    'is an egress',
    (proxyKey: string) => inputs.proxies.get(proxyKey)?.proxyType === 'egress',
  );
  const found = graph.derive('egress', (proxyKey: string): Found | undefined => {
    const connected = inputs.proxies.get(proxyKey);
    const resource = inputs.resources('ZoneEgress').get(proxyKey);
    if (connected?.proxyType !== 'egress' || resource === undefined) return undefined;
    const spec = resource.spec as ZoneEgressSpec;
    const egressClass = classOf(connected, spec);
    return egressClass && { connected, spec, egressClass };
  });

  const everyPart = graph.derive(
    'parts of an egress',
    (egressClass: EgressClass) => services.meshes.get().flatMap((mesh) => services.served.get(mesh, egressClass)),
    { equals: sameParts },
  );
  const parts = graph.derive(
    'parts that an egress serves',
    (egressClass: EgressClass): readonly ServedPart[] =>
      everyPart.get(egressClass).filter((part) => part.type === 'served'),
    { equals: sameParts },
  );
  const meshes = graph.derive('all meshes', () =>
    [...inputs.resources('Mesh').keys()].map((key) => key.slice(1)).sort(),
  );
  // Two filter chains for one server name would make Envoy refuse the listener: what this zone reaches itself goes before.
  const remoteParts = graph.derive('other zones on the listener of an egress', (egressClass: EgressClass) => {
    const own = new Set(parts.get(egressClass).map(({ sni }) => sni));
    const offered = meshes.get().flatMap((mesh) => otherZones.parts.get(mesh, egressClass));
    return offered.filter(({ sni }) => !own.has(sni));
  });
  // One message for all chains: it is put together and encoded again when one of them changes.
  const listener = graph.derive(
    'listener of an egress',
    (egressClass: EgressClass): readonly Built[] => {
      const chains = [...remoteParts.get(egressClass), ...parts.get(egressClass)].map(({ chain }) => chain);
      if (chains.length === 0) return [];
      return attempt({ origin: 'egress' }, () => {
        const { message }: ListenerDraft = egressListener(egressClass);
        message.filterChains = chains;
        return [encodeResource('listener', message, 'egress')];
      });
    },
    { equals: sameResources },
  );

  const secretsOf = (proxyKey: string, { names }: EgressClass): EnvoyResource[] =>
    services.meshes.get().flatMap((mesh) => {
      const identity = inputs.identities.get(identityKey(mesh, proxyKey));
      const trust = trustOf({ inputs, trustDomains }, mesh, names.meshCaSecret(mesh));
      const { certificateChain = '', privateKey = '' } = identity ?? {};
      return [
        ...(identity === undefined ? [] : [identitySecret(names.identitySecret(mesh), certificateChain, privateKey)]),
        ...(trust === undefined ? [] : [trust]),
      ].map((secret) => encodeResource('secret', secret, 'secrets'));
    });
  const adminOf = (proxyKey: string, { connected, spec, egressClass }: Found): EnvoyResource[] => {
    const { names, reusePort, address } = egressClass;
    const { admin, readinessPort } = connected;
    const port = spec.networking?.admin?.port ?? admin.port;
    const identity = inputs.adminIdentities.get(proxyKey);
    const clusters = adminClusters({ socketPath: admin.socketPath ?? '', port, readinessPort, ofZone: true }, names);
    if (identity === undefined || port === 0) return clusters;
    return [...clusters, adminListener({ address, port, identity, reusePort, names })];
  };

  const resources = graph.derive(
    'resources of an egress',
    (proxyKey: string): BuiltMaps => {
      const egress = found.get(proxyKey);
      if (egress === undefined) return toMaps([]);
      const { egressClass } = egress;
      const about = `ZoneEgress/${proxyKey}`;
      return toMaps([
        ...remoteParts.get(egressClass).map(({ cluster }) => cluster),
        ...parts.get(egressClass).map(({ cluster }) => cluster),
        ...listener.get(egressClass),
        ...everyPart.get(egressClass).filter(isUnbuilt),
        ...attempt({ origin: 'secrets' }, () => secretsOf(proxyKey, egressClass)),
        ...attempt({ origin: 'admin', about }, () => adminOf(proxyKey, egress)),
      ]);
    },
    { equals: Object.is },
  );

  return {
    services,
    config: graph.derive('config of an egress', (proxyKey: string): EgressConfig | undefined => {
      const egress = found.get(proxyKey);
      if (egress === undefined) return undefined;
      const warnings = parts
        .get(egress.egressClass)
        .flatMap(({ resource, problems }) =>
          problems.map((problem): ConfigWarning => ({ message: `${resource} gets no traffic: ${problem}`, resource })),
        );
      const led = new Set(remoteParts.get(egress.egressClass).map(({ cluster }) => cluster.name));
      const endpoints = meshes
        .get()
        .flatMap((mesh) => otherZones.endpoints.get(mesh, egress.egressClass))
        .filter(({ name }) => led.has(name));
      const { endpoint } = toMaps(endpoints).resources;
      const built = resources.get(proxyKey);
      return { ...built, resources: { ...built.resources, endpoint }, warnings };
    }),
    identityKeys: (proxyKey) =>
      isEgress.get(proxyKey) ? services.meshes.get().map((mesh) => identityKey(mesh, proxyKey)) : undefined,
    identityRequest(key) {
      const parts = /^([^/]*)\/(\/.*)$/.exec(key);
      const [, mesh = '', proxyKey = ''] = parts ?? [];
      if (parts === null || !isEgress.get(proxyKey)) return undefined;
      const identity = egressIdentities.of.get(mesh);
      if ('problem' in identity) return undefined;
      const { spiffeId, ...issuer } = identity;
      // A certificate of a MeshIdentity has one name only (X.509-SVID, section 2).
      const tags = issuer.meshIdentity === undefined ? [`kuma://${tagNames.service}/${egressService}`] : [];
      return { mesh, proxy: proxyKey, ...issuer, uris: [spiffeId, ...tags] };
    },
  };
}
