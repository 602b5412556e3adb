// Where the application of a Dataplane listens, so that others are told of it only when it does.
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** An inbound's application: it may be at any of the addresses. */
export interface ServicePlace {
  readonly port: number;
  readonly addresses: readonly string[];
}

interface ResourceShape {
  readonly networking?: {
    readonly address?: string;
    readonly inbound?: readonly {
      readonly address?: string;
      readonly port?: number;
      readonly servicePort?: number;
      readonly serviceAddress?: string;
    }[];
  };
}

/** The places of a Dataplane as JSON; none for a proxy that serves nothing or is not known here. */
export function servicePlaces(resource: string): readonly ServicePlace[] {
  if (resource === '') return [];
  const { networking: { address = '', inbound = [] } = {} } = JSON.parse(resource) as ResourceShape;
  return inbound.flatMap((each) => {
    const port = each.servicePort || each.port;
    if (port === undefined) return [];
    // With redirected traffic Envoy does not take the port itself, and the application may listen on any address of the host.
    const isOwnPort = each.servicePort === undefined || each.servicePort === 0 || each.servicePort === each.port;
    const addresses = each.serviceAddress
      ? [each.serviceAddress]
      : ['127.0.0.1', ...(isOwnPort ? [each.address || address] : [])].filter((known) => known !== '');
    return [{ port, addresses }];
  });
}

const pause = 50;

/** Resolves when something listens at every place. Rejects when the signal is aborted. */
export async function untilServed(places: readonly ServicePlace[], signal: AbortSignal): Promise<void> {
  for (const { port, addresses } of places) {
    while (!(await isAnyServed(port, addresses))) await sleep(pause, undefined, { signal });
  }
}

async function isAnyServed(port: number, addresses: readonly string[]): Promise<boolean> {
  const found = await Promise.all(addresses.map((address) => isServed(port, address)));
  return found.includes(true);
}

function isServed(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host, timeout: 500 });
    const end = (served: boolean): void => {
      socket.destroy();
      resolve(served);
    };
    socket.once('connect', () => end(true));
    socket.once('timeout', () => end(false));
    socket.once('error', () => end(false));
  });
}
