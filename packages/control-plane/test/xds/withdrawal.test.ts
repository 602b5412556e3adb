// A proxy that is about to leave is taken out of service at its word, and only at its own.
import assert from 'node:assert/strict';
import { request } from 'node:https';
import { after, before, describe, test } from 'node:test';
import type { DataplaneSpec } from '@ursa/resources';
import { type RunningServer, startServer } from './running-server.ts';

describe('a proxy that drains', () => {
  let running: RunningServer;
  before(async () => {
    running = await startServer({ tokens: new Map([['token of web', { Mesh: 'default', Name: 'web' } as never]]) });
  });
  after(() => running.stop());

  const post = (path: string, body: unknown): Promise<number> =>
    new Promise((resolve, reject) => {
      const call = request(
        { port: running.port, host: 'localhost', path, method: 'POST', ca: running.certificate, agent: false },
        (response) => {
          response.resume();
          response.on('end', () => resolve(response.statusCode ?? 0));
        },
      );
      call.on('error', reject);
      call.end(typeof body === 'string' ? body : JSON.stringify(body));
    });
  const web = { mesh: 'default', name: 'web', proxyType: 'dataplane', dataplaneToken: 'token of web' };
  const states = () => {
    const spec = running.get('Dataplane', 'default', 'web')?.spec as DataplaneSpec | undefined;
    return spec?.networking?.inbound?.map(({ state }) => state);
  };

  test('is refused without its own token, and nothing happens to it', async () => {
    assert.equal(await post('/drain', { ...web, dataplaneToken: 'of another' }), 401);
    assert.equal(await post('/drain', { ...web, dataplaneToken: '' }), 401);
    assert.equal(await post('/drain', { ...web, name: 'other' }), 403);
    assert.deepEqual(states(), [undefined]);
  });

  test('is refused when the body is not what it should be', async () => {
    for (const body of ['', '[]', '{"mesh": 1}', JSON.stringify({ ...web, proxyType: 'other' })])
      assert.equal(await post('/drain', body), 400, body);
  });

  test('has no ready inbound any more, until it starts anew', async () => {
    assert.equal(await post('/drain', web), 200);
    assert.deepEqual(states(), ['NotReady']);
    assert.equal(await post('/drain', web), 200);
    assert.equal(await post('/bootstrap', web), 200);
    assert.deepEqual(states(), [undefined]);
    assert.equal(running.get('Dataplane', 'default', 'web')?.labels['kuma.io/withdrawn-ports'], undefined);
  });
});
