// Findings about meshes, proxies and services: what no single policy is to blame for.

import type { ExternalServiceSpec } from '@ursa/resources';
import type { DataplaneFacts } from '../dataplane-facts.ts';
import type { MeshServiceSpec } from '../destinations.ts';
import { policiesIn } from '../explain/applied-policies.ts';
import type { ExplainParts } from '../explain/explain-parts.ts';
import { instancesOf } from '../explain/find-outbound.ts';
import { withoutMtlsFix } from '../explain/permission.ts';
import { type Finding, finding } from './finding.ts';
import { instancesWithoutPort } from './instance-without-port.ts';

/** The findings. */
export function meshFindings(
  parts: ExplainParts,
  mesh: string,
  proxies: readonly DataplaneFacts[],
): readonly Finding[] {
  return [
    ...permissions(parts, mesh, proxies),
    ...closedServers(parts, mesh, proxies),
    ...conflicts(proxies),
    ...idleServices(parts, mesh),
  ];
}

function permissions(parts: ExplainParts, mesh: string, proxies: readonly DataplaneFacts[]): Finding[] {
  const tlsOf = ({ name }: DataplaneFacts) => parts.proxyTls.get(mesh, `${mesh}/${name}`);
  const mtls = parts.meshFacts.get(mesh)?.mtls !== undefined || proxies.some((proxy) => tlsOf(proxy) !== undefined);
  const permitting = parts.policies.filter(({ authorize }) => authorize !== undefined);
  if (!mtls) {
    return permitting.flatMap(({ name }) =>
      policiesIn(parts, name, mesh).map((head) =>
        finding(
          'permission-without-mtls',
          `${name} ${head.displayName} is not enforced, because the mesh ${mesh} has no mTLS: every client gets through`,
          withoutMtlsFix,
          head.resource,
        ),
      ),
    );
  }
  return permitting.flatMap((policy) =>
    proxies.flatMap((proxy) => {
      const tls = tlsOf(proxy);
      if (tls === undefined) return [];
      const sets = parts.rules.ruleSets.get(`${mesh}/${proxy.name}`).get(policy.name)?.inbounds ?? [];
      return proxy.inbounds.flatMap(({ port, service }, position) => {
        const set = sets[position];
        const byTags = tls.issuer === undefined ? (set?.fromEntries.length ?? 0) : 0;
        if ((set?.rules.length ?? 0) + byTags > 0) return [];
        if (parts.olderPolicies.at(policy, mesh, proxy.inbounds[position]?.tags ?? {}) !== undefined) return [];
        return finding(
          'permission-missing',
          `no ${policy.name} speaks of ${service === '' ? proxy.name : service} at port ${port} of ${proxy.name}, and mTLS is on: all clients are refused`,
          `create a ${policy.name} that selects ${proxy.name} and allows its clients`,
          { type: 'Dataplane', mesh, name: proxy.name },
          `networking.inbound[${position}]`,
        );
      });
    }),
  );
}

/** ExternalServices that proxies would call themselves, and that are permitted to none of them. */
function closedServers(parts: ExplainParts, mesh: string, proxies: readonly DataplaneFacts[]): Finding[] {
  const { meshServices, zoneEgress } = parts.meshFacts.get(mesh) ?? {};
  // Elsewhere there is no such call: the egress decides, or nobody has a name for the service.
  if (zoneEgress === true || meshServices === 'Exclusive') return [];
  const callers = proxies.flatMap((proxy) => {
    const secured = parts.proxyTls.get(mesh, `${mesh}/${proxy.name}`) !== undefined;
    return parts.permittedServers.callerOf(proxy, secured) ?? [];
  });
  if (callers.length === 0) return [];
  const externals = parts.inputs.resources('ExternalService');
  return externals.keys().flatMap((key) => {
    const resource = externals.get(key);
    if (resource?.mesh !== mesh) return [];
    const { tags = {} } = resource.spec as ExternalServiceSpec;
    const said = callers.map((caller) => parts.permittedServers.decide(mesh, tags, caller));
    if (said.some((decisions) => decisions.every(({ allowed }) => allowed))) return [];
    const refused = said.flat().find(({ allowed }) => !allowed);
    const type = refused?.policy.older?.type ?? '';
    const why =
      refused?.held === undefined
        ? `no ${type} selects it`
        : `no proxy is among the sources of ${type} ${refused.held.head.displayName}`;
    return finding(
      'permission-missing',
      `ExternalService ${resource.name}: ${why}, and mTLS is on: no proxy gets its address`,
      `create a ${type} with its kuma.io/service among the destinations and the clients among the sources`,
      { type: resource.type, mesh, name: resource.name },
    );
  });
}

function conflicts(proxies: readonly DataplaneFacts[]): Finding[] {
  const inbounds = proxies.flatMap((proxy) =>
    proxy.inbounds.map((inbound, position) => ({ proxy, position, place: `${inbound.address}:${inbound.port}` })),
  );
  return [...Map.groupBy(inbounds, ({ place }) => place)].flatMap(([place, claims]) => {
    const [first, ...others] = claims;
    return others.map(({ proxy, position }) =>
      finding(
        'address-conflict',
        first?.proxy.name === proxy.name
          ? `${proxy.name} claims ${place} twice: calls reach one of the two`
          : `${proxy.name} and ${first?.proxy.name} both claim ${place}: calls reach whichever is there`,
        'give one of them another address or port',
        { type: 'Dataplane', mesh: proxy.mesh, name: proxy.name },
        `networking.inbound[${position}].port`,
      ),
    );
  });
}

function idleServices(parts: ExplainParts, mesh: string): Finding[] {
  const services = parts.inputs.resources('MeshService');
  return services.keys().flatMap((key) => {
    const service = services.get(key);
    if (service?.mesh !== mesh) return [];
    const ports = (service.spec as MeshServiceSpec).ports ?? [];
    return ports.flatMap(({ port, targetPort = port }, index) => {
      const source = { kind: 'MeshService', key, port } as const;
      if (instancesOf(parts, { mesh, source }).length > 0) return instancesWithoutPort(parts, source);
      return finding(
        'service-selects-nothing',
        `MeshService ${service.name}: no proxy that it selects has an inbound for port ${port} (targetPort ${targetPort})`,
        'correct its selector, or targetPort to the port or name of an inbound',
        service,
        `spec.ports[${index}].targetPort`,
      );
    });
  });
}
