// Endpoints that get no requests now: which, since when and why.
import { isIp } from '@ursa/resources';
import type { Destination } from '../destinations.ts';
import { type Finding, finding } from '../lint/finding.ts';
import { type ExplainParts, keyOfProxy } from './explain-parts.ts';
import { type Instance, nameOf } from './find-outbound.ts';

/** What is read of a DataplaneInsight here. */
interface InsightOfHealth {
  readonly inbounds?: readonly {
    readonly address: string;
    readonly port: number;
    readonly since: string;
    readonly reason?: string;
  }[];
}

const mostNamed = 5;

/** One finding for each endpoint that is out, as long as there are few. */
export function notReady(parts: ExplainParts, instances: readonly Instance[]): readonly Finding[] {
  const out = instances.filter(({ ready }) => !ready);
  return out.slice(0, mostNamed).flatMap(({ proxy, position }): readonly Finding[] => {
    const inbound = proxy.inbounds[position];
    if (inbound === undefined) return [];
    const { address, port } = inbound;
    const insight = parts.inputs.resources('DataplaneInsight').get(keyOfProxy(proxy))?.spec as
      | InsightOfHealth
      | undefined;
    // Insights have addresses as they are written: a host name, where this has the address behind it.
    const known = insight?.inbounds?.find(
      (each) => each.port === port && (each.address === address || !isIp(each.address)),
    );
    const isReachable = inbound.endpoint.address === '' || isIp(inbound.endpoint.address);
    const probed = known?.reason === undefined ? '' : ` (since ${known.since}: ${known.reason})`;
    return [
      finding(
        'endpoint-not-ready',
        `${proxy.name} gets no requests at ${address}:${port}: ${inbound.whyNotReady ?? 'it is not ready'}${probed}`,
        isReachable
          ? `kumactl inspect dataplane ${proxy.name} --type inbounds`
          : 'give it an IP address, or let the DNS of the control plane know the name',
        { type: 'Dataplane', mesh: proxy.mesh, name: proxy.name },
        'networking.inbound',
      ),
    ];
  });
}

/** Nothing that could answer is there, or ready. */
export function noEndpoints(destination: Destination, instances: readonly Instance[]): Finding {
  const name = nameOf(destination);
  if (instances.length === 0) {
    return finding('no-endpoints', `no proxy serves ${name}`, 'start one whose inbound has its tags');
  }
  const [first] = instances;
  const at = first && { type: 'Dataplane', mesh: first.proxy.mesh, name: first.proxy.name };
  return finding(
    'no-endpoints',
    `none of the ${instances.length} endpoints of ${name} is ready`,
    'look at the health of the application and its probe',
    at,
    'networking.inbound',
  );
}
