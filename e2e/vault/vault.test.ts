// mTLS by Vault, and Vault away: traffic goes on, also over a new start of the control plane and of a proxy; back, it issues again.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { absentTool } from '../harness/collectors.ts';
import { failedHandshakes, servedCertificate, untilAllProxies } from '../harness/handshakes.ts';
import { untilOnline } from '../harness/online.ts';
import { issueToken, type OpenBao, setUpPki, startOpenBao } from '../harness/openbao.ts';
import { allowAll, answers, openWorld } from '../harness/world.ts';

const skip = absentTool('bao');
const retries = {
  KUMA_GENERAL_CERT_GENERATION_BASE_BACKOFF: '200ms',
  KUMA_GENERAL_CERT_GENERATION_MAX_BACKOFF: '1s',
  KUMA_GENERAL_CERT_GENERATION_CIRCUIT_BREAKER_MIN_PROXIES: '2',
};
const world = await openWorld(retries);
after(() => world.close());
const { controlPlane } = world;

function meshBy(bao: OpenBao, expiration = '10m') {
  const auth = { token: { secret: 'vault-token' } };
  const fromCp = { address: bao.address, pki: 'mesh-pki', role: 'dataplane', auth };
  const dpCert = { rotation: { expiration }, requestTimeout: '1s' };
  const backends = [{ name: 'vault', type: 'vault', dpCert, conf: { fromCp } }];
  return { type: 'Mesh', name: 'default', mtls: { enabledBackend: 'vault', backends } };
}

const secretOf = (token: string) => ({
  type: 'Secret',
  mesh: 'default',
  name: 'vault-token',
  data: Buffer.from(token).toString('base64'),
});

test('a mesh whose settings of Vault are wrong is refused, with the path of each field', async () => {
  const mesh = (fromCp: object) => ({
    type: 'Mesh',
    name: 'default',
    mtls: { backends: [{ name: 'vault', type: 'vault', conf: { fromCp } }] },
  });
  const whole = {
    address: 'https://vault.example:8200',
    pki: 'pki',
    role: 'dataplane',
    auth: { token: { secret: 'absent' } },
  };
  const refused = async (fromCp: object) => {
    const { status, text } = await controlPlane.request('PUT', '/meshes/default', mesh(fromCp));
    assert.equal(status, 400, text);
    return text;
  };
  assert.match(await refused({}), /fromCp\.address[\s\S]*fromCp\.pki[\s\S]*fromCp\.role[\s\S]*fromCp\.auth/);
  assert.match(await refused({ ...whole, adress: '' }), /fromCp\.adress/);
  assert.match(await refused({ ...whole, address: 'vault:8200' }), /fromCp\.address[\s\S]*has to be a URL/);
  const { auth } = whole;
  assert.match(await refused({ ...whole, auth: { ...auth, approle: {} } }), /exactly one of: token, tls, approle, aws/);
  const aws = { region: 'Europe', awsCredentials: {} };
  assert.match(await refused({ ...whole, auth: { aws } }), /aws\.region[\s\S]*aws\.awsCredentials\.accessKey/);
  assert.match(await refused({ ...whole, commonName: '{{ mesh }}' }), /fromCp\.commonName[\s\S]*one directive/);
  assert.match(await refused(whole), /conf\.fromCp\.auth\.token[\s\S]*the secret \\"absent\\" does not exist/);
});

async function conditionsOf(name: string): Promise<readonly string[]> {
  const { json } = await controlPlane.request('GET', `/meshes/default/dataplanes/${name}/_overview`);
  const { dataplaneInsight = {} } = json as { dataplaneInsight?: { conditions?: readonly { reason: string }[] } };
  return (dataplaneInsight.conditions ?? []).map(({ reason }) => reason);
}

test('while Vault is away traffic goes on; when it is back certificates are renewed', { skip }, async () => {
  const bao = await startOpenBao(world.folder);
  after(() => bao.stop());
  setUpPki(bao, 'default', 'mesh-pki');
  await controlPlane.apply(allowAll);
  await controlPlane.apply(secretOf(issueToken(bao, 'mesh-pki', '-period=60s')));
  await controlPlane.apply(meshBy(bao));
  const backend = await world.start({ service: 'backend', protocol: 'tcp' });
  const client = await world.start({ service: 'client', calls: ['backend'] });
  const services = [backend, client];
  const url = client.urlOf('backend');
  await answers(url, 200);
  await untilAllProxies(world, 'issuedBackends', 'vault', services.length);
  const load = world.load({ url, perSecond: 100, newConnections: true });
  const before = await Promise.all(services.map(servedCertificate));
  bao.signal('SIGSTOP');
  controlPlane.process().signal('SIGKILL');
  await controlPlane.restart();
  await untilOnline(controlPlane, services.length);
  const sent = load.report().sent;
  await waitFor('traffic goes on', () => load.report().sent > sent + 100);
  assert.deepEqual(
    (await Promise.all(services.map(servedCertificate))).map(({ serialNumber }) => serialNumber),
    before.map(({ serialNumber }) => serialNumber),
    'they keep what they have',
  );
  bao.signal('SIGCONT');
  await waitFor(
    'both have other certificates',
    async () => {
      const now = await Promise.all(services.map(servedCertificate));
      return now.every(({ serialNumber }, index) => serialNumber !== before[index]?.serialNumber);
    },
    { within: 30_000 },
  );
  const report = await load.stop();
  assert.deepEqual(report.failures, [], `${report.failures.length} of ${report.sent} requests failed`);
  for (const service of services) assert.deepEqual(await failedHandshakes(service), [], service.name);

  // Certificates of twenty seconds: what ends is told of, while it is so.
  await controlPlane.apply(meshBy(bao, '20s'));
  await waitFor(
    'the proxies have short ones',
    async () => {
      const ends = await Promise.all(services.map(async (each) => (await servedCertificate(each)).notAfter));
      return ends.every((end) => end < Date.now() + 30_000);
    },
    { within: 30_000 },
  );
  bao.signal('SIGSTOP');
  const patience = { within: 60_000, every: 100 };
  await waitFor('it is said', async () => (await conditionsOf(backend.name)).includes('EndsSoon'), patience);
  await waitFor('and that it has ended', async () => (await conditionsOf(backend.name)).includes('Ended'), patience);
  bao.signal('SIGCONT');
  await waitFor('all is well', async () => (await conditionsOf(backend.name)).length === 0, patience);
  await answers(url, 200);
});
