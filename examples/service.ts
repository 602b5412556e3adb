// What the example services have in common: they listen on the loopback and can be stopped.
import type { Server } from 'node:http';

/** A service that listens. */
export interface RunningService {
  readonly port: number;
  close(): Promise<void>;
}

/** Listens on 127.0.0.1; port 0 takes a free one. */
export function listen(server: Server, port: number): Promise<RunningService> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      resolve({
        port: typeof address === 'object' && address !== null ? address.port : port,
        close: () =>
          new Promise((closed) => {
            server.close(() => closed());
            server.closeAllConnections();
          }),
      });
    });
  });
}

/** Runs a service by itself, on the port of the variable PORT. */
export async function runAlone(
  name: string,
  usualPort: number,
  open: (port: number) => Promise<RunningService>,
): Promise<void> {
  const service = await open(Number(process.env.PORT ?? usualPort));
  console.log(`${name}: http://127.0.0.1:${service.port}`);
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => void service.close());
}
