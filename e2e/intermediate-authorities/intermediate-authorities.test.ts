// Authorities below a root, of each type: workloads show what is between them and the root, and the root is all that proxies trust.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { createControlPlaneAuthority } from '../../packages/control-plane/src/identity/authorities/builtin-authority.ts';
import { startPrivateCa, usualKey } from '../harness/aws/private-ca.ts';
import { absentTool } from '../harness/collectors.ts';
import { failedHandshakes, untilAllProxies } from '../harness/handshakes.ts';
import { issueIntermediate } from '../harness/intermediate-authority.ts';
import { issueToken, setUpPki, startOpenBao } from '../harness/openbao.ts';
import { allowAll, answers, openWorld } from '../harness/world.ts';
import { isVerifiedByRootAlone, trustedBy } from './root-alone.ts';

const privateCa = await startPrivateCa({ isSubordinate: true });
const world = await openWorld({ AWS_ENDPOINT_URL_ACM_PCA: privateCa.address, AWS_EC2_METADATA_DISABLED: 'true' });
after(async () => {
  await world.close();
  await privateCa.stop();
});
const { controlPlane } = world;
await controlPlane.apply(allowAll);
const backend = await world.start({ service: 'backend', protocol: 'tcp' });
const client = await world.start({ service: 'client', calls: ['backend'] });
const services = [backend, client];
const root = await createControlPlaneAuthority('Company root', Date.now());
const upper = await issueIntermediate(root, 'Company meshes');
const issuing = await issueIntermediate(upper, 'Company mesh default');
const inline = (inlineString: string) => ({ inlineString });

interface Backend {
  readonly name: string;
  readonly type: string;
  readonly conf: object;
}
let last: readonly Backend[] = [];
const meshBy = (enabledBackend: string, backends: readonly Backend[]) => ({
  type: 'Mesh',
  name: 'default',
  mtls: { enabledBackend, backends },
});

/** Has all certificates issued by a backend, and looks at them and at the traffic. */
async function holds(issuer: Backend, rootCertificate: string): Promise<void> {
  const { name } = issuer;
  await controlPlane.apply(meshBy(name, [...last, issuer]));
  await untilAllProxies(world, 'issuedBackends', name, services.length);
  last = [issuer];
  await controlPlane.apply(meshBy(name, last));
  for (const service of services) await isVerifiedByRootAlone(service, rootCertificate);
  for (const service of services)
    await waitFor(`${service.name} trusts the root and nothing else`, async () => {
      assert.deepEqual(await trustedBy(service), [rootCertificate]);
      return true;
    });
  await answers(client.urlOf('backend'), 200, 30_000);
  for (const service of services) assert.deepEqual(await failedHandshakes(service), [], service.name);
}

test('provided: two authorities between the workloads and the root', async () => {
  const cert = inline(`${issuing.certificate}${upper.certificate}${root.certificate}`);
  const conf = { cert, key: inline(issuing.privateKey) };
  await holds({ name: 'own', type: 'provided', conf }, root.certificate);
});

test('AWS Private CA: an authority below its root', async () => {
  const awsCredentials = { accessKey: inline(usualKey.accessKey), accessKeySecret: inline(usualKey.secret) };
  const conf = { arn: privateCa.arn, auth: { awsCredentials } };
  await holds({ name: 'acm', type: 'acmpca', conf }, privateCa.root);
});

test('Vault: a mount whose authority another one has signed', { skip: absentTool('bao') }, async () => {
  const bao = await startOpenBao(world.folder);
  after(() => bao.stop());
  setUpPki(bao, 'default', 'company');
  const rootCertificate = `${bao.run('read', '-field=certificate', 'company/cert/ca').trim()}\n`;
  bao.run('secrets', 'enable', '-path=mesh-pki', '-max-lease-ttl=87600h', 'pki');
  const request = bao.run('write', '-field=csr', 'mesh-pki/intermediate/generate/internal', 'common_name=issuing');
  const signed = bao.run(
    'write',
    '-field=certificate',
    'company/root/sign-intermediate',
    `csr=${request}`,
    'ttl=8760h',
  );
  bao.run('write', 'mesh-pki/intermediate/set-signed', `certificate=${signed.trim()}\n${rootCertificate}`);
  const names = ['allowed_uri_sans=spiffe://default/*,kuma://*', 'require_cn=false', 'key_type=ec', 'key_bits=256'];
  bao.run('write', 'mesh-pki/roles/dataplane', ...names);
  const rules = 'path "mesh-pki/issue/dataplane" { capabilities = ["create", "update"] }';
  bao.run('write', 'sys/policies/acl/mesh-pki', `policy=${rules}`);
  const auth = { token: inline(issueToken(bao, 'mesh-pki')) };
  const fromCp = { address: bao.address, pki: 'mesh-pki', role: 'dataplane', auth };
  await holds({ name: 'vault', type: 'vault', conf: { fromCp } }, rootCertificate);
});
