// Addresses of proxies that are host names: Envoy takes IP addresses only where it is told of endpoints and listeners.
import { isIp } from '@ursa/resources';
import type { EngineInputs } from './engine.ts';

/** The IP address behind an address; undefined while a host name has none. */
export type IpLookup = (address: string) => string | undefined;

/** Looks into what the control plane has found out. Where nobody looks names up, no name has an address. */
export function ipLookup({ hostAddresses }: Pick<EngineInputs, 'hostAddresses'>): IpLookup {
  return (address) => (isIp(address) ? address : hostAddresses?.get(address));
}
