// mTLS by AWS Private CA, spoken by an endpoint of the test: a mesh with wrong settings is refused, traffic goes on while it is away, and it issues again.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { startPrivateCa, usualKey } from '../harness/aws/private-ca.ts';
import { failedHandshakes, servedCertificate, untilAllProxies } from '../harness/handshakes.ts';
import { untilOnline } from '../harness/online.ts';
import { allowAll, answers, openWorld } from '../harness/world.ts';

const ca = await startPrivateCa({ isSubordinate: true });
const world = await openWorld({
  AWS_ENDPOINT_URL_ACM_PCA: ca.address,
  AWS_EC2_METADATA_DISABLED: 'true',
  KUMA_GENERAL_CERT_GENERATION_BASE_BACKOFF: '200ms',
  KUMA_GENERAL_CERT_GENERATION_MAX_BACKOFF: '1s',
  KUMA_GENERAL_CERT_GENERATION_CIRCUIT_BREAKER_MIN_PROXIES: '2',
});
after(async () => {
  await world.close();
  await ca.stop();
});
const { controlPlane } = world;
// The service speaks TCP to Envoy's mind: every connection of the client is one, with a handshake, between the proxies.
const backend = await world.start({ service: 'backend', protocol: 'tcp' });
const client = await world.start({ service: 'client', calls: ['backend'] });
const services = [backend, client];

function meshBy(conf: object, expiration = '1h') {
  const dpCert = { rotation: { expiration }, requestTimeout: '2s' };
  const backends = [{ name: 'acm', type: 'acmpca', dpCert, conf }];
  return { type: 'Mesh', name: 'default', mtls: { enabledBackend: 'acm', backends } };
}

const secretOf = (name: string, text: string) => ({
  type: 'Secret',
  mesh: 'default',
  name,
  data: Buffer.from(text).toString('base64'),
});
const auth = {
  awsCredentials: { accessKey: { secret: 'aws-key' }, accessKeySecret: { secret: 'aws-secret' } },
};

test('a mesh whose settings are wrong is refused, with the path of each field', async () => {
  const refused = async (conf: object) => {
    const { status, text } = await controlPlane.request('PUT', '/meshes/default', meshBy(conf));
    assert.equal(status, 400, text);
    return text;
  };
  assert.match(await refused({}), /conf\.arn[\s\S]*cannot be empty/);
  assert.match(await refused({ arn: 'arn:aws:acm-pca:eu-west-1:1:x' }), /conf\.arn[\s\S]*has to be the ARN/);
  const { arn } = ca;
  assert.match(await refused({ arn, region: 'eu-west-1' }), /conf\.region/);
  assert.match(await refused({ arn, commonName: '{{ mesh }}' }), /conf\.commonName[\s\S]*one directive/);
  assert.match(await refused({ arn, auth: { awsCredentials: {} } }), /accessKey[\s\S]*accessKeySecret/);
  assert.match(
    await refused({ arn, auth }),
    /conf\.auth\.awsCredentials\.accessKey[\s\S]*\\"aws-key\\" does not exist/,
  );
  assert.match(await refused({ arn, caCert: { inlineString: 'none' } }), /conf\.caCert[\s\S]*certificate in PEM/);
});

test('while it is away traffic goes on, also over a new start; when it is back certificates are renewed', async () => {
  await controlPlane.apply(allowAll);
  await controlPlane.apply(secretOf('aws-key', usualKey.accessKey));
  await controlPlane.apply(secretOf('aws-secret', usualKey.secret));
  await controlPlane.apply(meshBy({ arn: ca.arn, auth }));
  const url = client.urlOf('backend');
  await answers(url, 200, 30_000);
  await untilAllProxies(world, 'issuedBackends', 'acm', services.length);
  const load = world.load({ url, perSecond: 50, newConnections: true });
  const serials = () => Promise.all(services.map(async (each) => (await servedCertificate(each)).serialNumber));
  const before = await serials();
  ca.hold(true);
  controlPlane.process().signal('SIGKILL');
  await controlPlane.restart();
  await untilOnline(controlPlane, services.length);
  const sent = load.report().sent;
  await waitFor('traffic goes on', () => load.report().sent > sent + 50, { within: 30_000 });
  assert.deepEqual(await serials(), before, 'they keep what they have');
  ca.hold(false);
  await waitFor(
    'both have other certificates',
    async () => (await serials()).every((serial, at) => serial !== before[at]),
    {
      within: 60_000,
    },
  );
  const report = await load.stop();
  assert.deepEqual(report.failures, [], `${report.failures.length} of ${report.sent} requests failed`);
  for (const service of services) assert.deepEqual(await failedHandshakes(service), [], service.name);
});

test('to a built-in authority and back, a handshake for every request, without losing one', async () => {
  const { backends } = meshBy({ arn: ca.arn, auth }).mtls;
  const acm = backends[0] ?? assert.fail();
  const builtin = { name: 'builtin', type: 'builtin' };
  const mesh = (enabledBackend: string, ...all: readonly object[]) =>
    controlPlane.apply({ type: 'Mesh', name: 'default', mtls: { enabledBackend, backends: all } });
  const load = world.load({ url: client.urlOf('backend'), perSecond: 50, newConnections: true });
  for (const [from, to] of [
    [acm, builtin],
    [builtin, acm],
  ] as const) {
    await mesh(from.name, from, to);
    await untilAllProxies(world, 'supportedBackends', to.name, services.length);
    await mesh(to.name, from, to);
    await untilAllProxies(world, 'issuedBackends', to.name, services.length);
    await mesh(to.name, to);
  }
  const { sent } = load.report();
  await waitFor('traffic goes on', () => load.report().sent > sent + 50, { within: 30_000 });
  const report = await load.stop();
  assert.deepEqual(report.failures, [], `${report.failures.length} of ${report.sent} requests failed`);
  for (const service of services) assert.deepEqual(await failedHandshakes(service), [], service.name);
});
