// The Dataplanes of a fleet: instances of services in turn, each of which calls those that follow its own.
import type { FleetPlan } from './fleet.ts';

/** One of them, as it is registered. */
export interface FleetDataplane {
  readonly type: 'Dataplane';
  readonly mesh: string;
  readonly name: string;
  readonly networking: object;
}

/** That of the proxy with this number. */
export function dataplaneOf(index: number, plan: Pick<FleetPlan, 'services' | 'outbounds'>): FleetDataplane {
  const service = (number: number): string => `service-${number % plan.services}`;
  const inbound = {
    port: 9080,
    servicePort: 8080,
    tags: { 'kuma.io/service': service(index), 'kuma.io/protocol': 'http' },
  };
  const outbound = Array.from({ length: plan.outbounds }, (_, number) => ({
    port: 10_000 + number,
    tags: { 'kuma.io/service': service(index + 1 + number) },
  }));
  const address = `10.98.${index >> 8}.${index & 255}`;
  const networking = { address, inbound: [inbound], outbound };
  return { type: 'Dataplane', mesh: 'default', name: `stub-${index}`, networking };
}
