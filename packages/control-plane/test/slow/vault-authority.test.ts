// The authority of type `vault` against a real OpenBao: every way to log in, tokens that are renewed, and what is said when something is in the way.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { absentTool } from '../../../../e2e/harness/collectors.ts';
import { issueToken, type OpenBao, setUpPki, startOpenBao } from '../../../../e2e/harness/openbao.ts';
import { waitFor } from '../../../../examples/demo/wait-for.ts';
import { openIssuer } from '../../src/identity/authorities/authority.ts';
import { createControlPlaneAuthority } from '../../src/identity/authorities/builtin-authority.ts';
import type { AuthorityConf, OpenAuthority, SourceContents } from '../../src/identity/authorities/define-authority.ts';
import { isVerifiedBy } from '../../src/identity/authorities/issued-certificate.ts';
import { vaultAuthority } from '../../src/identity/authorities/vault/vault-authority.ts';
import { issueLeaf } from '../../src/identity/certificates/certificate.ts';
import { generateKeys } from '../../src/identity/certificates/key-pair.ts';
import { systemClock } from '../../src/identity/clock.ts';

const skip = absentTool('bao');
const uris = ['spiffe://default/web', 'kuma://kuma.io/service/web'];
const folder = mkdtempSync(join(tmpdir(), 'ursa-vault-'));
const shared = skip === false ? await startOpenBao(folder) : undefined;
after(async () => {
  await shared?.stop();
  rmSync(folder, { recursive: true, force: true });
});
if (shared !== undefined) {
  setUpPki(shared, 'default', 'mesh-pki');
  shared.run('auth', 'enable', 'approle');
}

function bao(): OpenBao {
  assert.ok(shared !== undefined);
  return shared;
}

/** Opens the authority with these settings under `fromCp`; what its data sources hold is given beside. */
function open(context: TestContext, fromCp: AuthorityConf, contents: SourceContents = {}) {
  const conf = { fromCp: { pki: 'mesh-pki', role: 'dataplane', ...fromCp } };
  const prepared = vaultAuthority.prepare(conf, contents);
  assert.ok('material' in prepared, JSON.stringify(prepared));
  const reports: string[] = [];
  let stale = 0;
  const authority = vaultAuthority.open(prepared.material, {
    ...systemClock,
    stale: () => {
      stale += 1;
    },
    onFailure: (error) => reports.push(String(error)),
  });
  context.after(() => authority.stop?.());
  return { authority, reports, stale: () => stale };
}

function issue(authority: OpenAuthority, lifetime = 3600_000, signal = AbortSignal.timeout(10_000)) {
  const request = { names: { uris }, usages: ['serverAuth', 'clientAuth'] as const, lifetime, issuedAt: Date.now() };
  return authority.issue(request, signal);
}

const inline = (inlineString: string) => ({ inlineString });
const withToken = (token: string) =>
  [{ address: bao().address, auth: { token: inline(token) } }, { 'fromCp.auth.token': `${token}\n` }] as const;

test('a certificate has the names, the life and the key that were asked for, and the roots verify it', {
  skip,
}, async (context) => {
  const { authority } = open(context, ...withToken(issueToken(bao(), 'mesh-pki')));
  const leaf = await issue(authority, 120_000);
  const certificate = new X509Certificate(leaf.certificate);
  assert.deepEqual(certificate.subjectAltName?.split(', ').sort(), uris.map((uri) => `URI:${uri}`).sort());
  assert.deepEqual(certificate.keyUsage, ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
  assert.ok(Math.abs(leaf.notAfter - Date.now() - 120_000) < 30_000);
  const roots = (await authority.roots?.(AbortSignal.timeout(10_000))) ?? '';
  assert.ok(isVerifiedBy(leaf.certificate, roots));
  assert.equal(leaf.certificate.split('BEGIN').length, 2, 'a root is not sent along');
});

test('the common name is made from a tag', { skip }, async (context) => {
  bao().run(
    'write',
    'mesh-pki/roles/named',
    'allowed_uri_sans=spiffe://default/*,kuma://*',
    'allowed_domains=mesh',
    'allow_subdomains=true',
    'key_type=ec',
    'key_bits=256',
  );
  bao().run('write', 'sys/policies/acl/named', 'policy=path "mesh-pki/issue/named" { capabilities = ["update"] }');
  const token = issueToken(bao(), 'named');
  const [settings, contents] = withToken(token);
  const commonName = '{{ tag "kuma.io/service" }}.mesh';
  const { authority } = open(context, { ...settings, role: 'named', commonName }, contents);
  assert.equal(new X509Certificate((await issue(authority)).certificate).subject, 'CN=web.mesh');
});

test('authorities of the mount are trusted before they issue, and while they have done so', {
  skip,
}, async (context) => {
  setUpPki(bao(), 'default', 'renewed-pki');
  const [settings, contents] = withToken(issueToken(bao(), 'renewed-pki'));
  const { authority } = open(context, { ...settings, pki: 'renewed-pki/' }, contents);
  const roots = async () => (await authority.roots?.(AbortSignal.timeout(10_000))) ?? '';
  const first = await issue(authority);
  bao().run('write', 'renewed-pki/root/rotate/internal', 'common_name=second', 'issuer_name=second', 'ttl=87600h');
  const both = await roots();
  assert.equal(both.split('BEGIN').length, 3);
  bao().run('write', 'renewed-pki/root/replace', 'default=second');
  const second = await issue(authority);
  for (const { certificate } of [first, second]) assert.ok(isVerifiedBy(certificate, both));
  assert.notEqual(new X509Certificate(first.certificate).issuer, new X509Certificate(second.certificate).issuer);
});

test('a token is renewed for as long as it is used', { skip }, async (context) => {
  const token = issueToken(bao(), 'mesh-pki', '-period=3s');
  const { authority, reports } = open(context, ...withToken(token));
  await issue(authority);
  const accessor = () => JSON.parse(bao().run('token', 'lookup', '-format=json', token)).data;
  const created = Number(accessor().creation_time);
  await waitFor('it lives longer than its period', () => Date.now() / 1000 > created + 8, {
    within: 20_000,
    every: 500,
  });
  assert.ok(Number(accessor().last_renewal_time) > created);
  await issue(authority);
  assert.deepEqual(reports, []);
});

test('a token that ends is told of before it does, and asked for anew', { skip }, async (context) => {
  const token = issueToken(bao(), 'mesh-pki', '-ttl=3s', '-explicit-max-ttl=4s');
  const { authority, reports, stale } = open(context, ...withToken(token));
  await issue(authority);
  await waitFor('it is told of', () => reports.some((text) => text.includes('can be renewed no more')), {
    within: 20_000,
  });
  assert.ok(stale() > 0);
  await waitFor(
    'it has ended',
    () =>
      issue(authority).then(
        () => false,
        () => true,
      ),
    { within: 20_000, every: 300 },
  );
  await assert.rejects(issue(authority), /Vault at .*mesh-pki\/issue\/dataplane: 403: .*the token needs a policy/);
});

test('who logs in by AppRole does so again when its token is gone', { skip }, async (context) => {
  bao().run('write', 'auth/approle/role/mesh', 'token_policies=mesh-pki', 'token_ttl=2s', 'token_max_ttl=4s');
  const roleId = bao().run('read', '-field=role_id', 'auth/approle/role/mesh/role-id');
  const secretId = bao().run('write', '-f', '-field=secret_id', 'auth/approle/role/mesh/secret-id');
  const sources = { roleId: inline(roleId), secretId: inline(secretId) };
  const { authority, reports } = open(
    context,
    { address: bao().address, auth: { approle: sources } },
    { 'fromCp.auth.approle.roleId': roleId, 'fromCp.auth.approle.secretId': `${secretId}\n` },
  );
  await issue(authority);
  const end = Date.now() + 6_000;
  await waitFor('two tokens have ended', () => Date.now() > end, { within: 20_000, every: 500 });
  await issue(authority);
  await bao().call('DELETE', 'auth/approle/role/mesh');
  const refusal = await waitFor(
    'it cannot log in again',
    () =>
      issue(authority).then(
        () => false,
        (error: unknown) => `${error}`,
      ),
    { within: 20_000, every: 300 },
  );
  assert.match(String(refusal), /auth\/approle\/login: 400: .*see conf\.fromCp\.auth\.approle/);
  assert.ok(reports.length <= 1, reports.join('\n'));
});

test('over TLS, with a client certificate, and only a server of the right authority', { skip }, async (context) => {
  const home = mkdtempSync(join(tmpdir(), 'ursa-vault-'));
  const server = await startOpenBao(home, { tls: true });
  context.after(async () => {
    await server.stop();
    rmSync(home, { recursive: true, force: true });
  });
  assert.ok(existsSync(server.caCertFile));
  const caCert = readFileSync(server.caCertFile, 'utf8');
  setUpPki(server, 'default', 'mesh-pki');
  const root = await createControlPlaneAuthority('clients', Date.now());
  const keys = await generateKeys({ kind: 'p256' });
  const validity = { notBefore: Date.now() - 60_000, notAfter: Date.now() + 3600_000 };
  const clientCert = await issueLeaf(
    {
      commonName: 'kuma-cp',
      names: { dnsNames: ['kuma-cp'] },
      publicKey: keys.publicKey,
      usages: ['clientAuth'],
      validity,
    },
    openIssuer(root),
  );
  server.run('auth', 'enable', 'cert');
  server.run('write', 'auth/cert/certs/mesh', `certificate=${root.certificate}`, 'token_policies=mesh-pki');
  const contents = {
    'fromCp.tls.caCert': caCert,
    'fromCp.auth.tls.clientCert': clientCert,
    'fromCp.auth.tls.clientKey': keys.privateKey,
  };
  const auth = { tls: { clientCert: inline(clientCert), clientKey: inline(keys.privateKey), role: 'mesh' } };
  const settings = { address: server.address, tls: { caCert: inline(caCert) }, auth };
  await issue(open(context, settings, contents).authority);
  const stranger = open(
    context,
    { ...settings, tls: { caCert: inline(root.certificate) } },
    { ...contents, 'fromCp.tls.caCert': root.certificate },
  );
  await assert.rejects(issue(stranger.authority), /Vault at https:.*: POST auth\/cert\/login: .*certificate/);
  const careless = open(
    context,
    { ...settings, tls: { skipVerify: true } },
    { ...contents, 'fromCp.tls.caCert': undefined },
  );
  await issue(careless.authority);
});

test('what is in the way is said: an unknown role, names that it does not allow, no permission, no server', {
  skip,
}, async (context) => {
  const [settings, contents] = withToken('root');
  const refusal = (more: AuthorityConf, pattern: RegExp) =>
    assert.rejects(issue(open(context, { ...settings, ...more }, contents).authority), pattern);
  await refusal(
    { role: 'absent' },
    /mesh-pki\/issue\/absent: 400: unknown role: absent: see what the role absent allows/,
  );
  bao().run(
    'write',
    'mesh-pki/roles/strict',
    'allowed_uri_sans=spiffe://other/*',
    'require_cn=false',
    'key_type=ec',
    'key_bits=256',
  );
  await refusal({ role: 'strict' }, /400: .*URI.*: see what the role strict allows: URIs that begin with/);
  await refusal({ pki: 'nowhere' }, /nowhere\/issue\/dataplane: 404: .*see conf\.fromCp\.pki/);
  await assert.rejects(
    issue(
      open(context, ...withToken(bao().run('token', 'create', '-policy=default', '-orphan', '-field=token').trim()))
        .authority,
    ),
    /403: .*permission denied.*: the token needs a policy that lets it create and update mesh-pki\/issue\/dataplane/,
  );
  await refusal({ address: 'http://127.0.0.1:1' }, /Vault at http:\/\/127\.0\.0\.1:1: .*ECONNREFUSED/);
  const { authority } = open(context, settings, contents);
  bao().signal('SIGSTOP');
  await assert
    .rejects(issue(authority, 3600_000, AbortSignal.timeout(300)), /no answer in time/)
    .finally(() => bao().signal('SIGCONT'));
  await issue(authority);
});
