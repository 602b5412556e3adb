// Who has connected and has not said who it is: for how long it may stay.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { openStrangers } from '../../src/delta/grpc/strangers.ts';

/** The server's end of a connection. */
async function openConnection(context: TestContext): Promise<Socket> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  context.after(() => {
    client.destroy();
    server.close();
  });
  const [accepted] = (await once(server, 'connection')) as [Socket];
  return accepted;
}

test('a stranger has the whole time of the handshake, and then some to say who it is', async (context) => {
  const socket = await openConnection(context);
  context.mock.timers.enable({ apis: ['setTimeout'] });
  openStrangers(() => 10, 30_000).enter(socket);
  context.mock.timers.tick(44_999);
  assert.equal(socket.destroyed, false);
  context.mock.timers.tick(1);
  assert.equal(socket.destroyed, true);
});
