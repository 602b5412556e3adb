// Which inbounds of a Dataplane stand behind a port of a MeshService.
import { labelNames } from './label-names.ts';
import type { Resource } from './resource.ts';
import type { MeshServicePort } from './types/mesh-service.ts';

/** Value of `kuma.io/managed-by` on MeshServices that a control plane makes from the Dataplanes of a service. */
export const meshServiceGenerator = 'meshservice-generator';

/** Whether a MeshService was made from Dataplanes: its `targetPort`s are what most of them say, not what a user wants. */
export function isGeneratedService({ labels }: Pick<Resource, 'labels'>): boolean {
  return labels[labelNames.managedBy] === meshServiceGenerator;
}

/** What is read of an inbound. */
export interface ServingInbound {
  readonly port?: number | undefined;
  readonly name?: string | undefined;
}

/** One of a service's ports, among all of them. */
export interface ServedPort {
  readonly port: MeshServicePort;
  readonly ports: readonly MeshServicePort[];
  /** Whether the service is a generated one. */
  readonly generated: boolean;
}

/**
 * Those of one Dataplane's inbounds that are behind the port; `inbounds` are the ones that the service selects. By number or name as `targetPort` says. An instance
 * of a generated service may listen elsewhere than the others: then the inbound of the port's name, or else the only one that no port is for, when that port is
 * the only one without an inbound and both speak the same (decision 0240).
 */
export function inboundsBehind<Inbound extends ServingInbound>(
  { port, ports, generated }: ServedPort,
  inbounds: readonly Inbound[],
  protocolOf: (inbound: Inbound) => string,
): readonly Inbound[] {
  const exact = inbounds.filter((inbound) => isTarget(inbound, port));
  if (exact.length > 0 || !generated) return exact;
  const isNamed = (inbound: Inbound, { name = '' }: MeshServicePort): boolean => name !== '' && inbound.name === name;
  const named = inbounds.filter((inbound) => isNamed(inbound, port));
  if (named.length > 0) return named;
  const isFor = (inbound: Inbound, other: MeshServicePort): boolean =>
    isTarget(inbound, other) || isNamed(inbound, other);
  const [inbound, ...moreInbounds] = inbounds.filter((each) => !ports.some((other) => isFor(each, other)));
  const [, ...morePorts] = ports.filter((other) => !inbounds.some((each) => isFor(each, other)));
  if (inbound === undefined || moreInbounds.length > 0 || morePorts.length > 0) return [];
  return protocolOf(inbound) === (port.appProtocol ?? 'tcp') ? [inbound] : [];
}

function isTarget(inbound: ServingInbound, port: MeshServicePort): boolean {
  const target = port.targetPort ?? port.port;
  return typeof target === 'number'
    ? inbound.port === target
    : inbound.name === target || String(inbound.port) === target;
}
