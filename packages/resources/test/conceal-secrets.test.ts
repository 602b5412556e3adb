// Keys in resources: masked for those who may not see them, and put back when they write the resource again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concealSecrets, restoreSecrets } from '../src/conceal-secrets.ts';

const pem = '-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n';
const backend = (name: string, key: object) => ({
  name,
  type: 'provided',
  conf: { cert: { inlineString: 'CERT' }, key },
});
const mesh = {
  mtls: { backends: [backend('a', { inlineString: 'hunter2' }), backend('b', { inline: btoa('hunter3') })] },
  gateway: { certificates: [{ inlineString: `CERT${pem}` }, { inline: btoa(`CERT${pem}`) }, { secret: 'named' }] },
  vault: { auth: { token: { inlineString: 'hunter5' }, approle: { secretId: { inlineString: 'hunter6' } } } },
  aws: { accessKeySecret: { inline: btoa('hunter7') } },
  tls: { verification: { clientKey: { inline: btoa('hunter4') }, caCert: { inlineString: 'CA' } } },
};

test('keys are masked wherever they are, certificates and names of secrets are not', () => {
  const shown = concealSecrets(mesh);
  const text = JSON.stringify(shown);
  for (const secret of [
    'hunter2',
    btoa('hunter3'),
    btoa('hunter4'),
    'hunter5',
    'hunter6',
    btoa('hunter7'),
    'PRIVATE',
    btoa(`CERT${pem}`),
  ])
    assert.ok(!text.includes(secret), secret);
  for (const kept of ['CERT', 'named', '"CA"', 'provided']) assert.ok(text.includes(kept), kept);
  assert.equal(shown.mtls.backends[0]?.conf.cert, mesh.mtls.backends[0]?.conf.cert);
});

test('what has no key stays the same object', () => {
  const plain = { to: [{ default: { inline: '' } }], key: 'k', list: [1, null, 'x'] };
  assert.equal(concealSecrets(plain), plain);
});

test('a mask that is written back means the stored key, found by the name of its item', () => {
  const shown = concealSecrets(mesh);
  assert.deepEqual(restoreSecrets(shown, mesh), { value: mesh, missing: [] });
  const reversed = { ...shown, mtls: { backends: shown.mtls.backends.toReversed() } };
  const { value, missing } = restoreSecrets(reversed, mesh);
  assert.deepEqual(value.mtls.backends, mesh.mtls.backends.toReversed());
  assert.deepEqual(missing, []);
});

test('a mask without a stored key is told by its place', () => {
  const renamed = { mtls: { backends: [backend('c', { inlineString: '[redacted]' })] } };
  assert.deepEqual(restoreSecrets(renamed, mesh).missing, ['mtls.backends[0].conf.key']);
  assert.deepEqual(restoreSecrets(renamed, undefined).missing, ['mtls.backends[0].conf.key']);
});
