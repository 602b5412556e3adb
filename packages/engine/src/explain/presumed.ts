// Proxies that are not connected, presumed to be: an engine over these inputs says what each Dataplane would get from a usual kuma-dp.
import type { Collection } from '@ursa/collections';
import type { ConnectedProxy, EngineInputs } from '../engine.ts';
import { features } from '../features.ts';

/** What a usual kuma-dp says of itself. `announced`: features besides its usual ones. */
export function presumedProxy(mesh: string, name: string, announced: readonly string[] = []): ConnectedProxy {
  const workdir = `/tmp/kuma-dp-${name}`;
  return {
    mesh,
    name,
    proxyType: 'dataplane',
    features: [...new Set([features.embeddedDns, features.reusePort, ...announced])],
    admin: { port: 9901, address: '127.0.0.1', socketPath: `${workdir}/kuma-envoy-admin.sock` },
    readinessPort: 9902,
    dnsPort: 15053,
    workdir,
    appProbeProxyEnabled: false,
    ipv6Enabled: false,
    systemCaPath: '',
    metricsCertPath: '',
    metricsKeyPath: '',
    spireSocketPath: '',
    dynamicMetadata: {},
    transparentProxy: undefined,
    extensions: [],
    envoyVersion: '',
  };
}

/** The inputs, with every Dataplane connected: those that are not, as a usual kuma-dp would be that announces `announced` besides. */
export function presumeConnected(inputs: EngineInputs, announced: readonly string[] = []): EngineInputs {
  const dataplanes = inputs.resources('Dataplane');
  const proxies: Collection<ConnectedProxy> = {
    name: `${inputs.proxies.name} (presumed)`,
    get(key) {
      const connected = inputs.proxies.get(key);
      if (connected !== undefined) return connected;
      const dataplane = dataplanes.get(key);
      return dataplane && presumedProxy(dataplane.mesh, dataplane.name, announced);
    },
    keys: () => dataplanes.keys(),
    index: (name, bucketsOf) => inputs.proxies.index(name, bucketsOf),
  };
  return { ...inputs, proxies };
}
