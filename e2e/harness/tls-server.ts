// A server outside of the mesh with a certificate of its own authority. It tells what it was asked for: the host, and who the client says it is.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';

/** A certificate and its key, PEM. */
export interface Pair {
  readonly certificate: string;
  readonly key: string;
}

/** Makes certificates with openssl, in a folder. */
export interface Authority {
  readonly certificate: string;
  issue(name: string, san: string): Pair;
}

const openssl = (...args: string[]): void => void execFileSync('openssl', args, { stdio: 'pipe' });

/** An authority of this name. */
export function openAuthority(folder: string, name: string): Authority {
  const at = (file: string) => join(folder, `${name}-${file}`);
  const [caKey, caCertificate] = [at('ca.key'), at('ca.crt')];
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl('req', '-x509', ...newKey, '-keyout', caKey, '-out', caCertificate, '-days', '2', '-subj', `/CN=${name}`);
  return {
    certificate: readFileSync(caCertificate, 'utf8'),
    issue(who, san) {
      const [key, request, certificate, extensions] = ['key', 'csr', 'crt', 'ext'].map((kind) =>
        at(`${who}.${kind}`),
      ) as [string, string, string, string];
      openssl('req', ...newKey, '-keyout', key, '-out', request, '-subj', `/CN=${who}`);
      writeFileSync(extensions, `subjectAltName=${san}\n`);
      const signedBy = ['-CA', caCertificate, '-CAkey', caKey, '-CAcreateserial'];
      openssl('x509', '-req', '-in', request, ...signedBy, '-out', certificate, '-days', '2', '-extfile', extensions);
      return { certificate: readFileSync(certificate, 'utf8'), key: readFileSync(key, 'utf8') };
    },
  };
}

/** A running server. */
export interface TlsServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Starts it on the loopback. `clients`: the authority that clients must come from; none are asked for without. */
export async function openTlsServer(name: string, pair: Pair, clients?: Authority): Promise<TlsServer> {
  const server = createServer(
    {
      cert: pair.certificate,
      key: pair.key,
      ...(clients === undefined ? {} : { ca: clients.certificate, requestCert: true, rejectUnauthorized: true }),
    },
    (request, response) => {
      const socket = request.socket as TLSSocket;
      const client = socket.getPeerCertificate().subject?.CN ?? 'nobody';
      const asked = {
        server: name,
        client,
        sni: (socket as { servername?: string | false }).servername,
        host: request.headers.host,
      };
      response.end(JSON.stringify(asked));
    },
  );
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
