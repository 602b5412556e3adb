// The application behind a proxy, as a program of its own: HTTP on one port, a gRPC echo stream on another. `node app.ts <name> <port> <gRPC port>`
import { createServer } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';

const [name = '', port = '', grpcPort = ''] = process.argv.slice(2);

const web = createServer((_, response) => {
  response.end(name);
});
// The proxy decides how long connections live.
web.keepAliveTimeout = 0;
const grpc = createHttp2Server();
grpc.on('session', (session) => session.on('error', () => session.destroy()));
grpc.on('stream', (stream) => {
  stream.on('error', () => undefined);
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  // What comes in goes back, message by message: the framing is the same in both directions.
  stream.pipe(stream);
});
grpc.listen(Number(grpcPort), '127.0.0.1', () => {
  web.listen(Number(port), '127.0.0.1', () => console.log('ready'));
});
