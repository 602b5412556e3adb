// Servers that know nothing of a mesh: `plain-server.ts <kind> <address> <port> <name> …`, each four words a server of kind http or tcp. It says its
// name, and from where it was called.
import { createServer as createHttpServer } from 'node:http';
import { createServer as createTcpServer } from 'node:net';

const words = process.argv.slice(2);
for (let index = 0; index < words.length; index += 4) {
  const [kind, address, port, name] = words.slice(index, index + 4);
  const sayHello = (from: string | undefined): string => `${name} from ${from?.replace(/^::ffff:/, '')}\n`;
  const server =
    kind === 'http'
      ? createHttpServer((request, response) => response.end(sayHello(request.socket.remoteAddress)))
      : createTcpServer((socket) => {
          socket.on('error', () => {});
          socket.once('data', () => socket.end(sayHello(socket.remoteAddress)));
        });
  server.listen(Number(port), address);
}
