// The Dataplane of a proxy that was started with --service and --port. Pure; the ports are found by others.
import { isIP } from 'node:net';
import { MeshError, tagNames } from '@ursa/resources';

/** A service that the application calls, at a port of its own. */
export interface Call {
  readonly service: string;
  /** Port of its MeshService; 0 to call it by its name alone: where services are resources that means the MeshService that has one port. */
  readonly servicePort: number;
  readonly port: number;
}

/** What the Dataplane says. */
export interface DataplaneFacts {
  readonly mesh: string;
  readonly name: string;
  readonly service: string;
  readonly protocol: string;
  /** At which the others reach the proxy. */
  readonly address: string;
  /** Port of the application. */
  readonly servicePort: number;
  /** Port of the proxy. */
  readonly inboundPort: number;
  /** Whether traffic for the application's own port is redirected to the proxy. */
  readonly redirected: boolean;
  readonly adminPort: number;
  readonly calls: readonly Call[];
}

/** The resource, as a user would write it. */
export function makeDataplane(facts: DataplaneFacts): object {
  const { mesh, name, service, protocol, address, servicePort, inboundPort, redirected, adminPort, calls } = facts;
  // Where it is not said, it is the address of the proxy: without redirection requests would go round in a circle.
  const place = redirected ? {} : { servicePort, serviceAddress: '127.0.0.1' };
  return {
    type: 'Dataplane',
    mesh,
    name,
    networking: {
      address,
      admin: { port: adminPort },
      inbound: [{ port: inboundPort, ...place, tags: { [tagNames.service]: service, [tagNames.protocol]: protocol } }],
      outbound: calls.map((call) => ({
        address: '127.0.0.1',
        port: call.port,
        ...(call.servicePort === 0
          ? { tags: { [tagNames.service]: call.service } }
          : { backendRef: { kind: 'MeshService', name: call.service, port: call.servicePort } }),
      })),
    },
  };
}

/** Reads `--calls`: services with or without the port of their MeshService and a port here; 0 stands for one that is not said. Errors: `MeshError('invalid')`. */
export function readCalls(texts: readonly string[]): readonly Call[] {
  const words = texts.flatMap((text) => text.split(',')).map((word) => word.trim());
  return words
    .filter((word) => word !== '')
    .map((word) => {
      const [, service = '', servicePort, port] = /^([^:=]+)(?::(\d{1,5}))?(?:=(\d{1,5}))?$/.exec(word) ?? [];
      const arePorts = [servicePort, port].every((text) => text === undefined || isPort(Number(text)));
      if (service !== '' && arePorts)
        return { service, servicePort: Number(servicePort ?? 0), port: Number(port ?? 0) };
      throw new MeshError(
        'invalid',
        `--calls: expected a service such as "api", "api=9000" or "api:80=9000", got "${word}"`,
      );
    });
}

function isPort(port: number): boolean {
  return port >= 1 && port <= 65535;
}

/** Throws `MeshError('invalid')` when a call is to come in at a port that is taken already: Envoy would serve neither, or the application itself. */
export function checkCalls(calls: readonly Call[], servicePort: number): void {
  for (const [index, { service, port }] of calls.entries()) {
    if (port === 0) continue;
    const other = calls.slice(0, index).find((call) => call.port === port);
    if (port !== servicePort && other === undefined) continue;
    const taken = other === undefined ? 'the application itself' : `the calls of ${other.service}`;
    throw new MeshError(
      'invalid',
      `--calls: ${service} at port ${port} of this host, which is that of ${taken}; take another one, or leave "=${port}" out and one is found`,
    );
  }
}

/** Name of the proxy of an application, from those of its service and host: the same at every start. */
export function defaultName(service: string, hostname: string, port: number): string {
  const host = (hostname.split('.')[0] ?? '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]/g, '-')
    .replaceAll(/^-+|-+$/g, '');
  return [service, ...(host === '' ? [] : [host]), port].join('-');
}

/** Throws `MeshError('invalid')` that names the flag of what cannot stand in a Dataplane. */
export function checkFlags({
  service,
  servicePort,
  address,
}: Pick<DataplaneFacts, 'service' | 'servicePort' | 'address'>): void {
  if (servicePort === 0)
    throw new MeshError('invalid', '--port: say at which port of this host the application listens');
  if (service !== '' && !/^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$/.test(service))
    throw new MeshError('invalid', `--service: expected lower-case letters, digits, "-" and ".", got "${service}"`);
  if (address !== '' && isIP(address) === 0)
    throw new MeshError('invalid', `--address: expected an address of this host such as 192.0.2.1, got "${address}"`);
}
