// Whether the application accepts a connection.
import { connect } from 'node:net';
import { healthyResult, type ProbeResult, type ProbeTarget, unhealthyResult } from './probe-result.ts';

/** Connects, and closes again. */
export function probeTcp({ host, port, localAddress, timeout }: ProbeTarget): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, ...(localAddress === undefined ? {} : { localAddress }) });
    const end = (result: ProbeResult): void => {
      clearTimeout(deadline);
      socket.destroy();
      resolve(result);
    };
    const deadline = setTimeout(() => end(unhealthyResult(`no connection within ${timeout} ms`)), timeout);
    socket.once('connect', () => end(healthyResult));
    socket.once('error', (cause) => end(unhealthyResult(cause.message)));
  });
}
