// A server that knows nothing of a mesh: `plain-server.ts http|tcp <address> <port> <name>` says its name, and from where it was called.
import { createServer as createHttpServer } from 'node:http';
import { createServer as createTcpServer } from 'node:net';

const [kind, address, port, name] = process.argv.slice(2);
const sayHello = (from: string | undefined): string => `${name} from ${from?.replace(/^::ffff:/, '')}\n`;

const server =
  kind === 'http'
    ? createHttpServer((request, response) => response.end(sayHello(request.socket.remoteAddress)))
    : createTcpServer((socket) => {
        socket.on('error', () => {});
        socket.once('data', () => socket.end(sayHello(socket.remoteAddress)));
      });
server.listen(Number(port), address);
