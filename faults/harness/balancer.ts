// A balancer of TCP connections in front of several control planes: each new connection goes to the next one that takes it.
import { connect, createServer, type Socket } from 'node:net';

/** Opens it on an address and port. */
export async function openBalancer(
  listen: string,
  port: number,
  targets: readonly { readonly host: string; readonly port: number }[],
): Promise<void> {
  let next = 0;
  const server = createServer((client) => {
    client.on('error', () => client.destroy());
    const tryOne = (left: number): void => {
      const target = targets[next % targets.length];
      next += 1;
      if (target === undefined || left === 0) {
        client.destroy();
        return;
      }
      const upstream: Socket = connect(target);
      const refused = (): void => tryOne(left - 1);
      upstream.once('error', refused);
      upstream.once('connect', () => {
        upstream.off('error', refused);
        upstream.on('error', () => upstream.destroy());
        for (const socket of [client, upstream]) socket.setNoDelay(true);
        client.pipe(upstream).pipe(client);
        client.on('close', () => upstream.destroy());
        upstream.on('close', () => client.destroy());
      });
    };
    tryOne(targets.length);
  });
  await new Promise<void>((resolve) => server.listen(port, listen, () => resolve()));
}
