// A MeshGateway as policies select it, whether or not a proxy serves it: what its own selector asks of a proxy is taken as that proxy's tags.
import { provenance, type SelectableProxy } from '@ursa/policy';
import type { MeshGatewaySpec, Resource } from '@ursa/resources';

/** The proxy that the gateway describes. */
export function proxyOfGateway(gateway: Resource): SelectableProxy {
  const { selectors = [], tags: gatewayTags = {}, conf } = gateway.spec as MeshGatewaySpec;
  const tags = selectors[0]?.match ?? {};
  const from = provenance(gateway);
  const listeners = (conf?.listeners ?? []).map(({ port = 0, tags: ownTags = {} }) => ({
    port,
    ownTags,
    tags: { ...tags, ...gatewayTags, ...ownTags },
  }));
  return {
    ...from,
    mesh: gateway.mesh,
    labels: {},
    inbounds: [],
    gateway: { kind: 'builtin', tags, meshGateway: from, listeners },
  };
}
