// The authority of type `acmpca` against an endpoint of the test that speaks the API of AWS Private CA and signs with a real authority: what is issued, every
// way to be known to AWS, and what is said when something is in the way.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, type TestContext, test } from 'node:test';
import {
  type PrivateCa,
  type PrivateCaOptions,
  startPrivateCa,
  usualKey,
} from '../../../../e2e/harness/aws/private-ca.ts';
import { acmAuthority } from '../../src/identity/authorities/acm/acm-authority.ts';
import { createControlPlaneAuthority } from '../../src/identity/authorities/builtin-authority.ts';
import type { AuthorityConf, OpenAuthority, SourceContents } from '../../src/identity/authorities/define-authority.ts';
import { isVerifiedBy } from '../../src/identity/authorities/issued-certificate.ts';
import { systemClock } from '../../src/identity/clock.ts';

const uris = ['spiffe://default/web', 'kuma://kuma.io/service/web', 'kuma://kuma.io/service/web-2'];
const folder = mkdtempSync(join(tmpdir(), 'ursa-acm-'));
after(() => rmSync(folder, { recursive: true, force: true }));

// No other identity of this machine may come in between.
const environment = { ...process.env };
beforeEach(() => {
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
  Object.assign(process.env, {
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_SHARED_CREDENTIALS_FILE: join(folder, 'credentials'),
    AWS_CONFIG_FILE: join(folder, 'config'),
  });
});
after(() => {
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
  Object.assign(process.env, environment);
});

const givenKeys = {
  'auth.awsCredentials.accessKey': usualKey.accessKey,
  'auth.awsCredentials.accessKeySecret': `${usualKey.secret}\n`,
};

async function start(context: TestContext, options: PrivateCaOptions = {}): Promise<PrivateCa> {
  const ca = await startPrivateCa(options);
  context.after(() => ca.stop());
  process.env.AWS_ENDPOINT_URL_ACM_PCA = ca.address;
  return ca;
}

/** Opens the authority; `contents`: what its data sources hold. */
function open(context: TestContext, conf: AuthorityConf, contents: SourceContents = givenKeys) {
  const prepared = acmAuthority.prepare(conf, contents);
  assert.ok('material' in prepared, JSON.stringify(prepared));
  let stale = 0;
  const authority = acmAuthority.open(prepared.material, {
    ...systemClock,
    stale: () => {
      stale += 1;
    },
    onFailure: (error) => assert.fail(String(error)),
  });
  context.after(() => authority.stop?.());
  return { authority, prepared, stale: () => stale };
}

function issue(authority: OpenAuthority, lifetime = 3600_000, signal = AbortSignal.timeout(20_000)) {
  const request = { names: { uris }, usages: ['serverAuth', 'clientAuth'] as const, lifetime, issuedAt: Date.now() };
  return authority.issue(request, signal);
}

const rootsOf = async ({ roots }: OpenAuthority) => (await roots?.(AbortSignal.timeout(20_000))) ?? '';
const blocks = (pem: string) => pem.split('BEGIN').length - 1;

test('a certificate has the names, the life and the key that were asked for, and the root verifies it', async (context) => {
  const ca = await start(context);
  const { authority } = open(context, { arn: ca.arn });
  const leaf = await issue(authority, 120_000);
  const certificate = new X509Certificate(leaf.certificate);
  assert.deepEqual(certificate.subjectAltName?.split(', ').sort(), uris.map((uri) => `URI:${uri}`).sort());
  assert.equal(certificate.subject, undefined);
  assert.ok(Math.abs(leaf.notAfter - Date.now() - 120_000) < 30_000);
  const roots = await rootsOf(authority);
  assert.equal(roots, ca.root);
  assert.ok(isVerifiedBy(leaf.certificate, roots));
  assert.equal(blocks(leaf.certificate), 1, 'a root is not sent along');
  await issue(authority);
  assert.equal(ca.issued(), 2);
  assert.equal(ca.count('GetCertificateAuthorityCertificate'), 2, 'once for how it signs, once for its roots');
});

test('the common name is made from a tag', async (context) => {
  const ca = await start(context);
  const { authority } = open(context, { arn: ca.arn, commonName: '{{ tag "kuma.io/service" }}.mesh' });
  assert.equal(new X509Certificate((await issue(authority)).certificate).subject, 'CN=web.mesh');
});

test('below a root: what issues is sent along, the root alone is trusted; also with RSA keys', async (context) => {
  for (const options of [{ isSubordinate: true }, { kind: { kind: 'rsa', bits: 2048 } }] as const) {
    const ca = await start(context, options);
    const { authority } = open(context, { arn: ca.arn });
    const { certificate } = await issue(authority);
    assert.equal(blocks(certificate), 2);
    assert.equal(await rootsOf(authority), ca.root);
    writeFileSync(join(folder, 'root.pem'), ca.root);
    writeFileSync(join(folder, 'chain.pem'), certificate);
    const verified = execFileSync('openssl', [
      ...['verify', '-x509_strict', '-CAfile', join(folder, 'root.pem')],
      ...['-untrusted', join(folder, 'chain.pem'), join(folder, 'chain.pem')],
    ]);
    assert.match(verified.toString(), /: OK/);
  }
});

test('with a root in the Mesh nothing else is trusted, and what it does not verify is not given out', async (context) => {
  const ca = await start(context, { isSubordinate: true });
  const { authority, prepared } = open(context, { arn: ca.arn }, { ...givenKeys, caCert: ca.root });
  assert.equal(prepared.roots, ca.root);
  assert.equal(authority.roots, undefined);
  await issue(authority);
  const { certificate: caCert } = await createControlPlaneAuthority('another', Date.now());
  const stranger = open(context, { arn: ca.arn }, { ...givenKeys, caCert });
  await assert.rejects(issue(stranger.authority), /conf\.caCert: has not signed what arn:aws:acm-pca:/);
  assert.deepEqual(acmAuthority.validate?.({}, { caCert: 'none' }), [
    { field: 'caCert', message: 'expected a certificate in PEM' },
  ]);
});

test('what fails for a moment is asked again, and makes no second certificate', async (context) => {
  const ca = await start(context);
  const { authority } = open(context, { arn: ca.arn });
  ca.answerNext('ThrottlingException', 'status 503');
  await issue(authority);
  ca.answerNext('status 500');
  await issue(authority);
  assert.equal(ca.count('IssueCertificate'), 3);
  assert.equal(ca.issued(), 2);
});

test('the identity of the control plane: environment, session, profile, a program, a web identity, a container, an instance', async (context) => {
  const session = { accessKey: 'ASIASESSION', secret: 'of a session', token: 'a token' };
  const keys = new Map<string, { readonly secret: string; readonly token?: string }>([
    [usualKey.accessKey, { secret: usualKey.secret }],
    [session.accessKey, session],
  ]);
  const ca = await start(context, { keys });
  const attempt = async (variables: Readonly<Record<string, string>>) => {
    Object.assign(process.env, variables);
    await issue(open(context, { arn: ca.arn }, {}).authority);
    for (const name of Object.keys(variables)) delete process.env[name];
  };
  await attempt({ AWS_ACCESS_KEY_ID: usualKey.accessKey, AWS_SECRET_ACCESS_KEY: usualKey.secret });
  const temporary = {
    AWS_ACCESS_KEY_ID: session.accessKey,
    AWS_SECRET_ACCESS_KEY: session.secret,
    AWS_SESSION_TOKEN: session.token,
  };
  await attempt(temporary);
  const lines = (secret: string) => `aws_access_key_id = ${usualKey.accessKey}\naws_secret_access_key = ${secret}\n`;
  const program = join(folder, 'keys.json');
  writeFileSync(
    program,
    JSON.stringify({ Version: 1, AccessKeyId: usualKey.accessKey, SecretAccessKey: usualKey.secret }),
  );
  writeFileSync(
    join(folder, 'credentials'),
    `[default]\n${lines('wrong')}[mesh]\n${lines(usualKey.secret)}[outside]\ncredential_process = cat ${program}\n`,
  );
  await attempt({ AWS_PROFILE: 'mesh' });
  await attempt({ AWS_PROFILE: 'outside' });
  rmSync(join(folder, 'credentials'));

  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.authorization ?? ''}`);
    const Expiration = new Date(Date.now() + 3600_000).toISOString();
    const { url = '' } = request;
    if (url === '/latest/api/token' || url.endsWith('/security-credentials/')) {
      response.setHeader('x-aws-ec2-metadata-token-ttl-seconds', '21600').end('instance-role');
      return;
    }
    if (request.method === 'GET') {
      const given = {
        AccessKeyId: session.accessKey,
        SecretAccessKey: session.secret,
        Token: session.token,
        Expiration,
      };
      response.setHeader('content-type', 'application/json').end(JSON.stringify(given));
      return;
    }
    response
      .setHeader('content-type', 'text/xml')
      .end(
        `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>${session.accessKey}</AccessKeyId><SecretAccessKey>${session.secret}</SecretAccessKey><SessionToken>${session.token}</SessionToken><Expiration>${Expiration}</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`,
      );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.after(() => server.close());
  const bound = server.address();
  const address = `http://127.0.0.1:${typeof bound === 'object' ? bound?.port : 0}`;
  writeFileSync(join(folder, 'web-identity'), 'a token of the cluster');
  await attempt({
    AWS_WEB_IDENTITY_TOKEN_FILE: join(folder, 'web-identity'),
    AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/mesh',
    AWS_ENDPOINT_URL_STS: address,
  });
  await attempt({
    AWS_CONTAINER_CREDENTIALS_FULL_URI: `${address}/role`,
    AWS_CONTAINER_AUTHORIZATION_TOKEN: 'of the task',
  });
  await attempt({ AWS_EC2_METADATA_DISABLED: 'false', AWS_EC2_METADATA_SERVICE_ENDPOINT: address });
  const metadata = '/latest/meta-data/iam/security-credentials/';
  const fromInstance = ['PUT /latest/api/token ', `GET ${metadata} `, `GET ${metadata}instance-role `];
  assert.deepEqual(asked, ['POST / ', 'GET /role of the task', ...fromInstance]);
  assert.equal(ca.issued(), 7);
});

test('what is in the way is said, with what to do about it', async (context) => {
  const ca = await start(context);
  const refusal = (pattern: RegExp, contents: SourceContents = givenKeys, arn = ca.arn) =>
    assert.rejects(issue(open(context, { arn }, contents).authority), pattern);
  await refusal(/no AWS credentials: Could not load credentials from any providers; give them in the Mesh/, {});
  const wrong = { ...givenKeys, 'auth.awsCredentials.accessKeySecret': 'wrong' };
  await refusal(/InvalidSignatureException: .*see conf\.auth\.awsCredentials/, wrong);
  const { authority, stale } = open(context, { arn: ca.arn }, wrong);
  await assert.rejects(issue(authority));
  assert.equal(stale(), 1, 'its files are read again');
  await refusal(/ResourceNotFoundException: .*see conf\.arn/, givenKeys, `${ca.arn}0`);
  const known = open(context, { arn: ca.arn });
  await issue(known.authority);
  ca.answerNext('AccessDeniedException');
  await assert.rejects(issue(known.authority), /IssueCertificate of arn:aws:acm-pca:.*needs acm-pca:IssueCertificate/);
  ca.answerNext('InvalidStateException');
  await assert.rejects(issue(known.authority), /the certificate authority must be active/);
  await assert.rejects(issue(known.authority, -10_000), /InvalidArgsException: .*dpCert\.rotation\.expiration/);
  ca.hold(true);
  await assert.rejects(issue(known.authority, 3600_000, AbortSignal.timeout(300)), /no answer in time/);
  ca.hold(false);
  await issue(known.authority);
  await ca.stop();
  await assert.rejects(
    issue(known.authority),
    /AWS Private CA at http:\/\/127\.0\.0\.1:\d+: IssueCertificate .*ECONNREFUSED/,
  );
});
