// A TLS port before an HTTP server, whose certificate and authorities can be replaced while it runs (`setSecureContext`). It stands in for the HTTPS server
// of the runtime: that of Bun, which the executables run on, keeps those it has started with (decision 0330).
import type { Server as HttpServer } from 'node:http';
import { createServer, type Server, type TlsOptions } from 'node:tls';

/** A port that is not listening yet; what it secures goes to `server`, which knows none of these connections as its own. */
export function openSecuredPort(server: HttpServer, tls: TlsOptions): Server {
  const port = createServer(
    { ...tls, ALPNProtocols: ['http/1.1'] },
    (socket) => void server.emit('connection', socket),
  );
  port.on('tlsClientError', (_error, socket) => socket.destroy());
  return port;
}
