// mTLS by AWS Private CA with the identity of the control plane: a token of where it runs, for which AWS's token service gives keys of a role. Nothing of it
// stands in the Mesh. Both services are endpoints of the test.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { startPrivateCa } from '../harness/aws/private-ca.ts';
import { untilAllProxies } from '../harness/handshakes.ts';
import { allowAll, answers, openWorld } from '../harness/world.ts';

const session = { accessKey: 'ASIAMESH', secret: 'of a role', token: 'of a session' };
const tokenOfHere = 'signed by the cluster';
const ca = await startPrivateCa({ keys: new Map([[session.accessKey, session]]) });
const tokenService = createServer((request, response) => {
  let body = '';
  request.on('data', (chunk: Buffer) => {
    body += chunk.toString();
  });
  request.on('end', () => {
    const form = new URLSearchParams(body);
    if (form.get('Action') !== 'AssumeRoleWithWebIdentity' || form.get('WebIdentityToken') !== tokenOfHere) {
      response.writeHead(400).end();
      return;
    }
    const values = {
      AccessKeyId: session.accessKey,
      SecretAccessKey: session.secret,
      SessionToken: session.token,
      Expiration: new Date(Date.now() + 3600_000).toISOString(),
    };
    const fields = Object.entries(values).map(([name, value]) => `<${name}>${value}</${name}>`);
    const result = `<Credentials>${fields.join('')}</Credentials>`;
    const name = 'AssumeRoleWithWebIdentity';
    response.setHeader('content-type', 'text/xml');
    response.end(`<${name}Response><${name}Result>${result}</${name}Result></${name}Response>`);
  });
});
await new Promise<void>((resolve) => tokenService.listen(0, '127.0.0.1', resolve));
const bound = tokenService.address();
const folder = mkdtempSync(join(tmpdir(), 'ursa-web-identity-'));
const tokenFile = join(folder, 'token');
writeFileSync(tokenFile, tokenOfHere);
const world = await openWorld({
  AWS_ENDPOINT_URL_ACM_PCA: ca.address,
  AWS_ENDPOINT_URL_STS: `http://127.0.0.1:${typeof bound === 'object' ? bound?.port : 0}`,
  AWS_WEB_IDENTITY_TOKEN_FILE: tokenFile,
  AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/mesh',
});
after(async () => {
  await world.close();
  await ca.stop();
  tokenService.closeAllConnections();
  tokenService.close();
  rmSync(folder, { recursive: true, force: true });
});

test('the role of the control plane has certificates issued', async () => {
  const { controlPlane } = world;
  await controlPlane.apply(allowAll);
  const backends = [{ name: 'acm', type: 'acmpca', conf: { arn: ca.arn } }];
  await controlPlane.apply({ type: 'Mesh', name: 'default', mtls: { enabledBackend: 'acm', backends } });
  await world.start({ service: 'backend' });
  const client = await world.start({ service: 'client', calls: ['backend'] });
  await untilAllProxies(world, 'issuedBackends', 'acm', 2);
  await answers(client.urlOf('backend'), 200, 30_000);
});
