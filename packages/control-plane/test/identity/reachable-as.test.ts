// What a join code says of the control plane: its authority, and addresses that its certificate is for.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createBuiltinAuthority } from '../../src/identity/authorities/builtin-authority.ts';
import {
  type AddressFacts,
  authorityOf,
  chooseAddresses,
  localUrl,
  namesOf,
} from '../../src/identity/joining/reachable-as.ts';
import { certificateFingerprint, openServerCertificate } from '../../src/identity/server-certificate.ts';

const folder = mkdtempSync(join(tmpdir(), 'ursa-reachable-'));
after(() => rmSync(folder, { recursive: true }));
const { certificate } = await openServerCertificate(folder, {
  dnsNames: ['localhost', 'cp.example.com'],
  addresses: ['127.0.0.1', '::1', '192.0.2.1', '2001:db8::1'],
});
const facts: AddressFacts = {
  ...{ names: namesOf(certificate), wanted: [], calledAs: 'localhost', port: 5678 },
  ...{ outward: '192.0.2.1', own: ['192.0.2.1', '2001:db8::1', '172.17.0.1'] },
};

test('the certificate that is made here is its own authority; of a chain it is the last', async () => {
  assert.deepEqual(authorityOf(certificate), { certificate, fingerprint: certificateFingerprint(certificate) });
  const authority = await createBuiltinAuthority('default', {}, Date.now());
  assert.equal(
    authorityOf(certificate + authority.certificate).fingerprint,
    certificateFingerprint(authority.certificate),
  );
});

test('the address towards the world comes first; loopback and what the certificate is not for never come', () => {
  assert.deepEqual(chooseAddresses(facts), [
    'https://192.0.2.1:5678',
    'https://[2001:db8::1]:5678',
    'https://cp.example.com:5678',
  ]);
  assert.equal(chooseAddresses({ ...facts, calledAs: 'CP.example.com' })[0], 'https://cp.example.com:5678');
});

test('addresses that are asked for must be in the certificate; a port may be another one', () => {
  const wanted = (...addresses: readonly string[]) => chooseAddresses({ ...facts, wanted: addresses });
  assert.deepEqual(wanted('cp.example.com', '192.0.2.1:443', '2001:db8:0::1'), [
    'https://cp.example.com:5678',
    'https://192.0.2.1:443',
    'https://[2001:db8::1]:5678',
  ]);
  assert.throws(
    () => wanted('198.51.100.1'),
    /certificate is not for 198\.51\.100\.1, but for cp\.example\.com, 192\.0\.2\.1/,
  );
  assert.throws(() => wanted('cp.example.com/x'), /expected a name or an address/);
});

test('a certificate for no address of this host says what to do', () => {
  const nowhere = { ...facts, names: ['localhost', '127.0.0.1'] };
  assert.throws(() => chooseAddresses(nowhere), /is for this host alone.*KUMA_GENERAL_TLS_CERT_FILE/);
});

test('processes of this host come by loopback where the certificate allows', () => {
  assert.equal(localUrl(facts.names, [], 5678), 'https://localhost:5678');
  assert.equal(localUrl(['cp.example.com'], ['192.0.2.1'], 5678), 'https://cp.example.com:5678');
});
