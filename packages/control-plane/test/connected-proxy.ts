// A proxy as the control plane knows it once its stream is there.
import { type ConnectedProxy, presumedProxy } from '@ursa/engine';

/** A Dataplane's, of the mesh `default`. */
export function connectedProxy(name: string): ConnectedProxy {
  return {
    ...presumedProxy('default', name),
    features: [],
    admin: { port: 9901, address: '127.0.0.1' },
    readinessPort: 9902,
    dnsPort: 0,
    workdir: '/tmp',
    envoyVersion: '1.40.0',
  };
}
