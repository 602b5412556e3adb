// Logging in to a Vault with an AWS identity. OpenBao has no such login of its own, and AWS cannot be asked here: a server of the test stands before a real
// OpenBao, does at the login what Vault does (it sends the signed request that it was shown, and believes the answer), and lets everything else through.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { usualKey } from '../../../../e2e/harness/aws/private-ca.ts';
import { signerOf } from '../../../../e2e/harness/aws/signature.ts';
import { absentTool } from '../../../../e2e/harness/collectors.ts';
import { issueToken, setUpPki, startOpenBao } from '../../../../e2e/harness/openbao.ts';
import { openAwsIdentity } from '../../src/identity/authorities/aws/aws-identity.ts';
import type { AuthorityConf, OpenAuthority, SourceContents } from '../../src/identity/authorities/define-authority.ts';
import { awsLoginBody } from '../../src/identity/authorities/vault/aws-login.ts';
import { vaultAuthority } from '../../src/identity/authorities/vault/vault-authority.ts';
import { systemClock } from '../../src/identity/clock.ts';

const skip = absentTool('bao');
const serverId = 'vault.example';
const keys = new Map([[usualKey.accessKey, { secret: usualKey.secret }]]);
const ownVariables = ['AWS_ENDPOINT_URL_STS', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'];
after(() => {
  for (const name of ownVariables) delete process.env[name];
});

async function serve(context: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const bound = server.address();
  return `http://127.0.0.1:${typeof bound === 'object' ? bound?.port : 0}`;
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

/** AWS, as far as it is asked: who has signed this? */
const securityTokenService: RequestListener = async (request, response) => {
  const body = await read(request);
  const { method = '', url = '', headers } = request;
  const signer = signerOf({ method, path: url, headers, body }, keys);
  const isKnown = 'accessKey' in signer && signer.scope.service === 'sts' && body.includes('GetCallerIdentity');
  response.writeHead(isKnown ? 200 : 403);
  response.end(
    isKnown ? '<Arn>arn:aws:sts::123456789012:assumed-role/mesh/i-0</Arn>' : '<Code>SignatureDoesNotMatch</Code>',
  );
};

interface Login {
  readonly role?: string;
  readonly iam_http_request_method: string;
  readonly iam_request_url: string;
  readonly iam_request_body: string;
  readonly iam_request_headers: string;
}

const decoded = (base64: string): string => Buffer.from(base64, 'base64').toString();

/** The login of Vault: what is wrong with it; undefined when it is good. */
async function refusalOf(login: Login): Promise<string | undefined> {
  const headers = JSON.parse(decoded(login.iam_request_headers)) as Record<string, readonly string[]>;
  const [id] = headers['x-vault-aws-iam-server-id'] ?? [];
  if (id !== serverId) return `expected ${serverId} but got ${id}`;
  const signed = headers.authorization?.[0] ?? '';
  if (!signed.includes('x-vault-aws-iam-server-id')) return 'the header of the server is not signed';
  if (login.role !== 'mesh') return `entry for role ${login.role} not found`;
  const { 'content-length': _length, host: _host, ...sent } = headers;
  const answer = await fetch(decoded(login.iam_request_url), {
    method: login.iam_http_request_method,
    headers: Object.entries(sent).map(([name, [value = '']]) => [name, value] as [string, string]),
    body: decoded(login.iam_request_body),
  });
  const text = await answer.text();
  return text.includes('assumed-role/mesh/') ? undefined : `error making upstream request: ${text}`;
}

function open(context: TestContext, fromCp: AuthorityConf, contents: SourceContents): OpenAuthority {
  const prepared = vaultAuthority.prepare({ fromCp: { pki: 'mesh-pki', role: 'dataplane', ...fromCp } }, contents);
  assert.ok('material' in prepared, JSON.stringify(prepared));
  const authority = vaultAuthority.open(prepared.material, { ...systemClock, stale: () => {}, onFailure: () => {} });
  context.after(() => authority.stop?.());
  return authority;
}

function issue(authority: OpenAuthority) {
  const names = { uris: ['spiffe://default/web', 'kuma://kuma.io/service/web'] };
  const request = { names, usages: ['serverAuth', 'clientAuth'] as const, lifetime: 3600_000, issuedAt: Date.now() };
  return authority.issue(request, AbortSignal.timeout(20_000));
}

test('an AWS identity logs in: with keys in the Mesh, and with those of the control plane', {
  skip,
}, async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'ursa-vault-aws-'));
  const bao = await startOpenBao(folder);
  context.after(async () => {
    await bao.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  setUpPki(bao, 'default', 'mesh-pki');
  process.env.AWS_ENDPOINT_URL_STS = await serve(context, securityTokenService);
  let logins = 0;
  const address = await serve(context, async (request, response) => {
    const body = await read(request);
    if (request.url === '/v1/auth/company/aws/login') {
      logins += 1;
      const refusal = await refusalOf(JSON.parse(body));
      const auth = { client_token: issueToken(bao, 'mesh-pki', '-ttl=1h'), lease_duration: 3600 };
      response
        .writeHead(refusal === undefined ? 200 : 400)
        .end(JSON.stringify(refusal === undefined ? { auth } : { errors: [refusal] }));
      return;
    }
    const token = String(request.headers['x-vault-token'] ?? '');
    const { method = '' } = request;
    const options = { method, headers: { 'x-vault-token': token }, ...(body === '' ? {} : { body }) };
    const answer = await fetch(`${bao.address}${request.url}`, options);
    response.writeHead(answer.status).end(await answer.text());
  });
  const aws = { role: 'mesh', mountPath: 'company/aws/', region: 'eu-west-1', iamServerIdHeader: serverId };
  const field = 'fromCp.auth.aws.awsCredentials';
  const contents = (secret: string) => ({
    [`${field}.accessKey`]: usualKey.accessKey,
    [`${field}.accessKeySecret`]: `${secret}\n`,
  });
  const given = open(context, { address, auth: { aws } }, contents(usualKey.secret));
  await issue(given);
  await issue(given);
  assert.equal(logins, 1, 'the token of the login is used again');

  Object.assign(process.env, { AWS_ACCESS_KEY_ID: usualKey.accessKey, AWS_SECRET_ACCESS_KEY: usualKey.secret });
  await issue(open(context, { address, auth: { aws } }, {}));

  const refused = (more: object, secret: string, pattern: RegExp) =>
    assert.rejects(issue(open(context, { address, auth: { aws: { ...aws, ...more } } }, contents(secret))), pattern);
  await refused({}, 'wrong', /auth\/company\/aws\/login: 400: .*SignatureDoesNotMatch.*: see conf\.fromCp\.auth\.aws/);
  await refused({ role: 'other' }, usualKey.secret, /entry for role other not found/);
  await refused({ iamServerIdHeader: '' }, usualKey.secret, /expected vault\.example/);
});

test('without a region the request is for the address that Vault knows by itself, otherwise for that of the region', async () => {
  const identity = openAwsIdentity({ accessKeyId: usualKey.accessKey, secretAccessKey: usualKey.secret }, 'us-east-1');
  const urlFor = async (region: string) => {
    const login = { role: '', region, serverId: '' };
    const body = await awsLoginBody(login, identity, {}, AbortSignal.timeout(10_000));
    return decoded((body as Login).iam_request_url);
  };
  assert.equal(await urlFor('us-east-1'), 'https://sts.amazonaws.com/');
  assert.equal(await urlFor('eu-west-1'), 'https://sts.eu-west-1.amazonaws.com/');
  assert.equal(await urlFor('cn-north-1'), 'https://sts.cn-north-1.amazonaws.com.cn/');
});
