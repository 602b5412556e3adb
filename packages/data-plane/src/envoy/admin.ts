// Talks to Envoy's admin interface: a Unix socket in the work directory, or TCP on the loopback where the control plane says so.
import { request } from 'node:http';
import { MeshError } from '@ursa/resources';

/** Where Envoy's admin interface listens. */
export type AdminAddress = { readonly socketPath: string } | { readonly host: string; readonly port: number };

/** An answer of Envoy's admin interface. */
export interface AdminAnswer {
  readonly status: number;
  readonly body: string;
}

const timeout = 3000;
const bodyLimit = 8 << 20;

/** One request to the admin interface. Throws `unavailable` when Envoy does not answer within three seconds. */
export function askEnvoy(address: AdminAddress, method: 'GET' | 'POST', path: string): Promise<AdminAnswer> {
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown): void =>
      reject(new MeshError('unavailable', `Envoy's admin interface did not answer ${path}`, { cause }));
    const call = request(
      { ...address, method, path, headers: { host: 'localhost' }, agent: false, timeout },
      (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > bodyLimit) call.destroy(new Error('the answer is too large'));
          else chunks.push(chunk);
        });
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }),
        );
        response.on('error', fail);
      },
    );
    call.on('timeout', () => call.destroy(new Error(`no answer within ${timeout} ms`)));
    call.on('error', fail);
    call.end();
  });
}
