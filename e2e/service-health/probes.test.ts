// An application behind strict mutual TLS is probed from outside the mesh: through kuma-dp's probe proxy, and by the deprecated virtual probes.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { freePort } from '../../examples/demo/free-ports.ts';
import { dataplaneOf, startProxy } from '../../examples/demo/proxy.ts';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { openEchoService } from '../harness/echo-service.ts';
import { meshWith, openWorld, programs } from '../harness/world.ts';

const world = await openWorld();
after(() => world.close());
const { controlPlane, folder } = world;
await controlPlane.apply(meshWith('STRICT'));

const statusOf = async (url: string): Promise<number> => (await fetch(url)).status;

test('through the probe proxy', async () => {
  const port = await freePort();
  const service = await world.start({
    service: 'web',
    environment: { KUMA_APPLICATION_PROBE_PROXY_PORT: String(port) },
  });
  const proxy = `http://127.0.0.1:${port}`;
  await waitFor(
    'the application is well',
    async () => (await statusOf(`${proxy}/${service.echo.port}/healthz`)) === 200,
  );
  assert.equal(await statusOf(`${proxy}/tcp/${service.echo.port}`), 200);
  await assert.rejects(statusOf(`http://127.0.0.1:${service.inboundPort}/`), 'its own port takes mutual TLS only');
  await service.echo.close();
  assert.equal(await statusOf(`${proxy}/${service.echo.port}/healthz`), 503);
  assert.equal(await statusOf(`${proxy}/tcp/${service.echo.port}`), 503);
});

test('by virtual probes of its Dataplane', async () => {
  const echo = await openEchoService('old');
  const old = { name: 'old', service: 'old', servicePort: echo.port, inboundPort: await freePort() };
  const port = await freePort();
  const endpoints = [{ path: `/${echo.port}/healthz`, inboundPort: echo.port, inboundPath: '/deep/healthz' }];
  await controlPlane.apply({ ...dataplaneOf(old), probes: { port, endpoints } });
  const proxy = await startProxy({ ...old, command: programs.dataPlane, controlPlane, folder, known: true });
  const url = `http://127.0.0.1:${port}/${echo.port}/healthz`;
  await waitFor('the application is well', async () => (await statusOf(url)) === 200);
  assert.equal(echo.lastPath(), '/deep/healthz');
  assert.equal((await fetch(url, { method: 'POST' })).status, 404, 'probes are asked with GET');
  assert.equal(await statusOf(`http://127.0.0.1:${port}/`), 404);
  await echo.close();
  await waitFor('it is not', async () => (await statusOf(url)) === 503);
  await proxy.stop();
});
