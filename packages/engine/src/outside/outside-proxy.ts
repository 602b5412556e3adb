// Services outside of the mesh as policies select them. They have no proxy; a zone egress stands in for it.
import { provenance, type SelectableProxy } from '@ursa/policy';
import type { ExternalServiceSpec, Resource } from '@ursa/resources';

const inboundWith = (tags: Readonly<Record<string, string>>) => [{ address: '', port: 0, name: '', tags }];

/** An ExternalService: an inbound with its tags. */
export function proxyOfExternalService(service: Resource, zone: string): SelectableProxy {
  const { tags = {} } = service.spec as ExternalServiceSpec;
  return { ...provenance(service), zone, mesh: service.mesh, labels: {}, inbounds: inboundWith(tags), outside: true };
}

/** Only what is said of a mesh as a whole selects it. */
export function proxyOfMesh(mesh: string, zone: string): SelectableProxy {
  return {
    displayName: '',
    origin: undefined,
    zone,
    namespace: '',
    mesh,
    labels: {},
    inbounds: inboundWith({}),
    outside: true,
  };
}
