// What becomes of an open stream when its token, a real one, stops being good: it ends, and nothing is asked again and again to find that out.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { typeUrls } from '@ursa/envoy';
import { generateSigningKey } from '../../src/identity/tokens/signing-key.ts';
import { manualClock } from '../identity/live-store.ts';
import { connectTo, type TestConnection } from './ads-client.ts';
import { configurationOf, edsCluster } from './hand-made-mesh.ts';
import { type RunningServer, startServer } from './running-server.ts';

describe('an open stream', () => {
  let running: RunningServer;
  let connection: TestConnection;
  const clock = manualClock(Date.now());
  before(async () => {
    running = await startServer({ signingKey: await generateSigningKey(), clock });
    running.configure('default/web', configurationOf(edsCluster('a')));
    connection = await connectTo(running.port);
  });
  after(async () => {
    connection.close();
    await running.stop();
  });

  const open = async (token: string) => {
    const stream = connection.delta(token);
    stream.send({ node: { id: 'default.web' }, typeUrl: typeUrls.cluster });
    await stream.next();
    return stream;
  };
  const idOf = (token: string): string =>
    JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).jti;

  test('ends when its token is revoked, and the token is not taken again', async () => {
    const token = await running.tokens.issueDataplane({ mesh: 'default', name: 'web', validForSeconds: 3600 });
    const stream = await open(token);
    const data = Buffer.from(idOf(token)).toString('base64');
    await running.put({ type: 'Secret', mesh: 'default', name: 'dataplane-token-revocations-default', spec: { data } });
    const { code, message } = await stream.ended();
    assert.equal(code, 16);
    assert.match(message, /revoked/);
    await assert.rejects(open(token), /16 .*revoked/);
  });

  test('ends when its token expires', async () => {
    const token = await running.tokens.issueDataplane({ mesh: 'default', validForSeconds: 60 });
    const stream = await open(token);
    clock.moveTo(clock.now() + 61_000);
    const { code, message } = await stream.ended();
    assert.equal(code, 16);
    assert.match(message, /expired/);
  });

  test('ends when the key that signed its token is removed', async () => {
    const token = await running.tokens.issueDataplane({ mesh: 'default', validForSeconds: 3600 });
    const stream = await open(token);
    await running.remove('Secret', 'default', 'dataplane-token-signing-key-default-1');
    assert.equal((await stream.ended()).code, 16);
  });
});
