// From one certificate authority to the next and back, under load, with a handshake for every request: none of them fails.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { createBuiltinAuthority } from '../../packages/control-plane/src/identity/authorities/builtin-authority.ts';
import { absentTool } from '../harness/collectors.ts';
import { failedHandshakes, handshakes, servedCertificate, untilAllProxies } from '../harness/handshakes.ts';
import { issueToken, setUpPki, startOpenBao } from '../harness/openbao.ts';
import { allowAll, answers, openWorld } from '../harness/world.ts';

const world = await openWorld();
after(() => world.close());
const { controlPlane } = world;
const skip = absentTool('bao');

const secret = (name: string, text: string) => ({
  type: 'Secret',
  mesh: 'default',
  name,
  data: Buffer.from(text).toString('base64'),
});
interface Backend {
  readonly name: string;
  readonly type: string;
  readonly conf?: object;
}
const mesh = (enabledBackend: string, ...backends: readonly Backend[]) => ({
  type: 'Mesh',
  name: 'default',
  mtls: { enabledBackend, backends },
});

const own = await createBuiltinAuthority('default', undefined, Date.now());
const first: Backend = { name: 'first', type: 'builtin' };
const second: Backend = { name: 'second', type: 'builtin' };
const provided: Backend = {
  name: 'own',
  type: 'provided',
  conf: { cert: { inlineString: own.certificate }, key: { secret: 'own-key' } },
};

await controlPlane.apply(allowAll);
await controlPlane.apply(mesh('first', first));
await controlPlane.apply(secret('own-key', own.privateKey));
// The service speaks TCP to Envoy's mind: every connection of the client is one, with a handshake, between the proxies.
const backends = [
  await world.start({ service: 'backend', protocol: 'tcp' }),
  await world.start({ service: 'backend', protocol: 'tcp' }),
];
const client = await world.start({ service: 'client', calls: ['backend'] });
const services = [...backends, client];
const url = client.urlOf('backend');
await answers(url, 200);

/** Runs some steps while there are 200 requests a second; none may fail, nor a handshake at any proxy. */
async function underLoad(steps: () => Promise<void>): Promise<void> {
  const load = world.load({ url, perSecond: 200, newConnections: true });
  await waitFor('traffic flows', () => load.report().sent > 100);
  await steps();
  const { sent } = load.report();
  await waitFor('traffic goes on', () => load.report().sent > sent + 200);
  // Statistics begin anew with a cluster that is made anew, which may come after the last step: what is added counts.
  let last = await handshakes(client);
  let added = 0;
  await waitFor('requests have handshakes', async () => {
    const now = await handshakes(client);
    added += Math.max(0, now - last);
    last = now;
    return added > 50;
  });
  const report = await load.stop();
  assert.deepEqual(report.failures, [], `${report.failures.length} of ${report.sent} requests failed`);
  for (const service of services) assert.deepEqual(await failedHandshakes(service), [], service.name);
}

/** The three steps of the guide: both are trusted, the other one issues, only that one is trusted. */
async function rotate(from: Backend, to: Backend): Promise<void> {
  const serials = await serialNumbers();
  await controlPlane.apply(mesh(from.name, from, to));
  await untilAllProxies(world, 'supportedBackends', to.name, services.length);
  await controlPlane.apply(mesh(to.name, from, to));
  await untilAllProxies(world, 'issuedBackends', to.name, services.length);
  await controlPlane.apply(mesh(to.name, to));
  const now = await serialNumbers();
  assert.ok(
    now.every((serial, index) => serial !== serials[index]),
    'every Envoy has another certificate',
  );
}

async function serialNumbers(): Promise<readonly string[]> {
  return await Promise.all(services.map(async (service) => (await servedCertificate(service)).serialNumber));
}

test('from a built-in authority to another one and to a provided one', async () => {
  await underLoad(async () => {
    await rotate(first, second);
    await rotate(second, provided);
  });
});

test('a backend that is enabled with the write that brings it issues when all proxies trust it', async () => {
  const third: Backend = { name: 'third', type: 'builtin' };
  await underLoad(async () => {
    await controlPlane.apply(mesh('third', provided, third));
    await untilAllProxies(world, 'issuedBackends', 'third', services.length);
    await controlPlane.apply(mesh('own', third, provided));
    await untilAllProxies(world, 'issuedBackends', 'own', services.length);
    await controlPlane.apply(mesh('own', provided));
  });
});

test('to Vault, and back', { skip }, async () => {
  const bao = await startOpenBao(world.folder);
  after(() => bao.stop());
  setUpPki(bao, 'default', 'mesh-pki');
  await controlPlane.apply(secret('vault-token', issueToken(bao, 'mesh-pki', '-period=1h')));
  const auth = { token: { secret: 'vault-token' } };
  const fromCp = { address: bao.address, pki: 'mesh-pki', role: 'dataplane', auth };
  const vault: Backend = { name: 'vault', type: 'vault', conf: { fromCp } };
  await underLoad(async () => {
    await rotate(provided, vault);
    await rotate(vault, second);
  });
});
