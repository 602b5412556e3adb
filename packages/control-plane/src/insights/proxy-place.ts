// Where the proxy of a resource listens, as its resource says.
import type { DataplaneSpec, Resource, ZoneEgressSpec } from '@ursa/resources';
import type { Place } from '../instances/instance-fate.ts';

/** Address and ports of the proxy of a Dataplane, ZoneIngress or ZoneEgress; undefined when it has no address of its own. */
export function placeOf({ type, spec }: Pick<Resource, 'type' | 'spec'>): Place | undefined {
  if (type !== 'Dataplane') {
    const { address, port } = (spec as ZoneEgressSpec).networking ?? {};
    return address === undefined ? undefined : { address, ports: port === undefined ? [] : [port] };
  }
  const { address, inbound = [] } = (spec as DataplaneSpec).networking ?? {};
  if (address === undefined) return undefined;
  const own = inbound.filter((each) => each.address === undefined || each.address === address);
  return { address, ports: own.flatMap(({ port }) => (port === undefined ? [] : [port])) };
}
