import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { coreResourceTypes, createResourceTypes, type MeshError } from '@ursa/resources';
import { openIssuer, validateAuthorityPair } from '../../src/identity/authorities/authority.ts';
import { openAuthorityFiles } from '../../src/identity/authorities/authority-files.ts';
import { createBuiltinAuthority } from '../../src/identity/authorities/builtin-authority.ts';
import { parseLifetime } from '../../src/identity/authorities/lifetime.ts';
import { deriveMeshAuthorities } from '../../src/identity/authorities/mesh-authorities.ts';
import { validateAuthorities, withAuthorityChecks } from '../../src/identity/authorities/validate-authorities.ts';
import { issueLeaf } from '../../src/identity/certificates/certificate.ts';
import { generateKeys } from '../../src/identity/certificates/key-pair.ts';
import { openServerCertificate } from '../../src/identity/server-certificate.ts';
import { openResourceManager } from '../../src/store/resource-manager.ts';
import { base64, openLiveStore } from './live-store.ts';

const now = Date.parse('2026-11-23T12:00:00Z');
const day = 24 * 3600 * 1000;
const authority = await createBuiltinAuthority('default', undefined, now);
const rsa = await createBuiltinAuthority('default', { caCert: { RSAbits: 2048 } }, now);

const spec = (conf: Readonly<Record<string, unknown>>, type = 'provided') => ({
  mtls: { enabledBackend: 'ca', backends: [{ name: 'ca', type, conf }] },
});

async function folderOf(context: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'authority-'));
  context.after(() => rm(folder, { recursive: true }));
  return folder;
}

test('an authority of either key type signs certificates that verify', async () => {
  const { publicKey } = await generateKeys({ kind: 'p256' });
  for (const pair of [authority, rsa]) {
    const validity = { notBefore: now, notAfter: now + day };
    const pem = await issueLeaf(
      { names: { uris: ['spiffe://default/a'] }, publicKey, usages: ['clientAuth'], validity },
      openIssuer(pair),
    );
    const leaf = new X509Certificate(pem);
    const root = new X509Certificate(pair.certificate);
    assert.ok(leaf.verify(root.publicKey) && leaf.checkIssued(root));
  }
});

test('serial numbers are positive, distinct, and dates after 2049 are written in full', async () => {
  const far = await createBuiltinAuthority('default', { caCert: { expiration: '30y' } }, now);
  const certificate = new X509Certificate(far.certificate);
  assert.equal(Date.parse(certificate.validTo), now + 30 * 365 * day);
  assert.notEqual(certificate.serialNumber, new X509Certificate(authority.certificate).serialNumber);
  assert.doesNotMatch(certificate.serialNumber, /^-/);
});

test('what cannot be an authority is refused with the reason', async () => {
  const { publicKey } = await generateKeys({ kind: 'p256' });
  const leafKeys = await generateKeys({ kind: 'p256' });
  const validity = { notBefore: now, notAfter: now + day };
  const leaf = await issueLeaf(
    { names: { uris: ['spiffe://default/a'] }, publicKey: leafKeys.publicKey, usages: ['serverAuth'], validity },
    openIssuer(authority),
  );
  assert.deepEqual(validateAuthorityPair(authority), []);
  assert.deepEqual(validateAuthorityPair({ certificate: leaf, privateKey: leafKeys.privateKey }), [
    {
      field: 'cert[0]',
      message: "basic constraint 'CA' must be set to 'true' (see X509-SVID: 4.1. Basic Constraints)",
    },
    { field: 'cert[0]', message: "key usage extension 'keyCertSign' must be set (see X509-SVID: 4.3. Key Usage)" },
    {
      field: 'cert[0]',
      message: "key usage extension 'keyAgreement' must NOT be set (see X509-SVID: Appendix A. X.509 Field Reference)",
    },
    {
      field: 'cert[0]',
      message: "extended key usage 'serverAuth' must NOT be set: it is for ends of connections, not for an authority",
    },
  ]);
  const message = (pair: Parameters<typeof validateAuthorityPair>[0]) => validateAuthorityPair(pair)[0]?.message ?? '';
  assert.match(message({ ...authority, privateKey: rsa.privateKey }), /not the key of the certificate/);
  assert.match(message({ ...authority, certificate: 'no certificate' }), /expected a certificate in PEM/);
  const broken = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
  assert.match(message({ ...authority, certificate: broken }), /expected a certificate in PEM/);
  const encrypted = createPrivateKey(authority.privateKey).export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase: 'x',
  });
  assert.match(message({ ...authority, privateKey: encrypted.toString() }), /unencrypted private key/);
  assert.ok(publicKey.length > 0);
});

test('a mesh with an authority that cannot sign is refused before it is written, with the path of the field', async (context) => {
  const { live } = await openLiveStore();
  const violations = (conf: Readonly<Record<string, unknown>>, type?: string) =>
    validateAuthorities('default', spec(conf, type), live);
  const [cert, key] = [{ inlineString: authority.certificate }, { inlineString: authority.privateKey }];
  assert.deepEqual(await violations({ cert, key }), []);
  assert.deepEqual(await violations({}, 'builtin'), []);
  assert.deepEqual(await violations({}), [
    { field: 'mtls.backends[0].conf.cert', message: 'has to be defined' },
    { field: 'mtls.backends[0].conf.key', message: 'has to be defined' },
  ]);
  const fields = async (conf: Readonly<Record<string, unknown>>) => (await violations(conf)).map(({ field }) => field);
  assert.deepEqual(await fields({ cert: {}, key }), ['mtls.backends[0].conf.cert']);
  assert.deepEqual(await fields({ cert, key: { secret: 'absent' } }), ['mtls.backends[0].conf.key']);
  assert.deepEqual(await fields({ cert: { file: '/nonexistent' }, key }), ['mtls.backends[0].conf.cert']);
  assert.deepEqual(await fields({ cert, key: { inlineString: rsa.privateKey } }), ['mtls.backends[0].conf.cert']);
  const server = await openServerCertificate(await folderOf(context));
  const own = { cert: { file: server.certificateFile }, key: { file: server.privateKeyFile } };
  assert.deepEqual(
    (await violations(own)).map(({ field, message }) => `${field}: ${message}`),
    [
      "mtls.backends[0].conf.cert[0]: extended key usage 'serverAuth' must NOT be set: it is for ends of connections, not for an authority",
    ],
  );
});

test('the manager writes no Mesh whose authority cannot sign, unless its author asks for it', async () => {
  const { live, store } = await openLiveStore();
  const types = createResourceTypes(coreResourceTypes);
  const labels = { mode: 'zone', zone: 'default', environment: 'universal', federated: false } as const;
  const manager = withAuthorityChecks(openResourceManager({ store, types, labels, unsafeDelete: false }), live);
  const bad = spec({ cert: { inlineString: authority.certificate }, key: { inlineString: rsa.privateKey } });
  const draft = (meshSpec: object) => ({ type: 'Mesh', mesh: '', name: 'default', labels: {}, spec: meshSpec });
  const refused = (error: MeshError) =>
    error.code === 'invalid' && error.violations[0]?.field === 'mtls.backends[0].conf.cert';
  await assert.rejects(manager.put(draft(bad)), refused);
  await assert.rejects(manager.putAll([draft(bad)]), refused);
  await assert.rejects(manager.check(draft(bad)), refused);
  assert.equal(live.list('Mesh').length, 0);
  await manager.put(draft({ mtls: { ...bad.mtls, skipValidation: true } }));
  assert.equal(live.list('Mesh').length, 1);
});

test('an authority is found inline, in a secret and in a file, and follows them when they change', async (context) => {
  const file = join(await folderOf(context), 'ca.pem');
  const conf = { cert: { file }, key: { secret: 'ca-key' } };
  const { live, put } = await openLiveStore(
    { type: 'Mesh', name: 'default', spec: spec(conf) },
    {
      type: 'Mesh',
      name: 'other',
      spec: spec({ cert: { inline: base64(rsa.certificate) }, key: { inline: base64(rsa.privateKey) } }),
    },
  );
  const files = openAuthorityFiles(live);
  context.after(() => files.stop());
  const authorities = deriveMeshAuthorities(live, files.contents);
  const state = (mesh: string) => authorities.get(mesh)?.authorities[0]?.state;
  await files.loaded();
  const local = (pair: typeof rsa) => ({
    prepared: { material: pair, issuer: pair.certificate, roots: pair.certificate },
    roots: pair.certificate,
  });
  assert.deepEqual(state('other'), local(rsa));
  assert.deepEqual(state('default'), { fault: `the file ${file} does not exist` });
  await writeFile(file, authority.certificate);
  await put({ type: 'Mesh', name: 'default', spec: { ...spec(conf), routing: { zoneEgress: true } } });
  await files.loaded();
  assert.deepEqual(state('default'), { fault: 'the secret "ca-key" does not exist' });
  await put({ type: 'Secret', mesh: 'default', name: 'ca-key', spec: { data: base64(authority.privateKey) } });
  assert.deepEqual(state('default'), local(authority));
  assert.equal(authorities.get('absent'), undefined);
});

test('lifetimes are read in the units of a mesh and of Go', () => {
  const cases: readonly (readonly [string, number | undefined])[] = [
    ['24h', day],
    ['1d', day],
    ['1d12h', 1.5 * day],
    ['2w', 14 * day],
    ['10y', 3650 * day],
    ['1h30m', 1.5 * 3600 * 1000],
    ['30s', 30_000],
    ['', undefined],
    ['0s', undefined],
    ['-1h', undefined],
    ['1x', undefined],
    ['abc', undefined],
  ];
  for (const [text, expected] of cases) assert.equal(parseLifetime(text), expected, text);
});
