import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  certificateFingerprint,
  machineNames,
  openServerCertificate,
  readServerCertificate,
} from '../../src/identity/server-certificate.ts';
import { manualClock } from './live-store.ts';

const start = Date.parse('2026-11-23T12:00:00Z');
const day = 24 * 3600 * 1000;
const names = { dnsNames: ['localhost', 'cp.example'], addresses: ['127.0.0.1', '::1', 'fd00::12:0:3', '192.0.2.2'] };

async function workDirectory(context: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'server-certificate-'));
  context.after(() => rm(directory, { recursive: true }));
  return directory;
}

test('the certificate is its own authority and is good for every name and address of the machine', async (context) => {
  const made = await openServerCertificate(await workDirectory(context), names, manualClock(start));
  const certificate = new X509Certificate(made.certificate);
  assert.equal(certificate.ca, true);
  assert.equal(certificate.verify(certificate.publicKey), true);
  assert.equal(certificate.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1');
  for (const name of names.dnsNames) assert.ok(certificate.checkHost(name), name);
  for (const address of names.addresses) assert.ok(certificate.checkIP(address), address);
  assert.equal(certificate.checkHost('elsewhere.example'), undefined);
  assert.match(certificateFingerprint(made.certificate), /^[0-9a-f]{64}$/);
  assert.ok(machineNames().addresses.includes('127.0.0.1'));
});

test('it is kept over restarts, in files of which only the owner may read the key', async (context) => {
  const directory = join(await workDirectory(context), 'new');
  const first = await openServerCertificate(directory, names, manualClock(start));
  const second = await openServerCertificate(directory, names, manualClock(start + 100 * day));
  assert.deepEqual(second, first);
  assert.equal((await stat(first.privateKeyFile)).mode & 0o777, 0o600);
  assert.deepEqual((await readdir(directory)).sort(), ['kuma-cp.crt', 'kuma-cp.key']);
});

test('it is made anew before it expires, and when its files are broken or do not belong together', async (context) => {
  const directory = await workDirectory(context);
  const first = await openServerCertificate(directory, names, manualClock(start));
  const renewed = await openServerCertificate(directory, names, manualClock(start + (3650 - 29) * day));
  assert.notEqual(renewed.certificate, first.certificate);
  await writeFile(renewed.privateKeyFile, first.privateKey);
  const repaired = await openServerCertificate(directory, names, manualClock(start));
  assert.notEqual(repaired.certificate, renewed.certificate);
  await writeFile(repaired.certificateFile, 'half a certif');
  const again = await openServerCertificate(directory, names, manualClock(start));
  assert.equal(new X509Certificate(again.certificate).ca, true);
});

test('a directory that cannot be written is an error that names the settings', async (context) => {
  const file = join(await workDirectory(context), 'file');
  await writeFile(file, '');
  await assert.rejects(openServerCertificate(join(file, 'below'), names), /KUMA_GENERAL_WORK_DIR/);
});

test('configured files are read, and what is wrong with them is said by file', async (context) => {
  const directory = await workDirectory(context);
  const one = await openServerCertificate(join(directory, 'one'), names);
  const other = await openServerCertificate(join(directory, 'other'), names);
  assert.equal((await readServerCertificate(one.certificateFile, one.privateKeyFile)).certificate, one.certificate);
  await assert.rejects(
    readServerCertificate(one.certificateFile, other.privateKeyFile),
    /is not the key of the certificate in/,
  );
  await assert.rejects(readServerCertificate(one.privateKeyFile, one.privateKeyFile), /expected a certificate in PEM/);
  await assert.rejects(
    readServerCertificate(one.certificateFile, one.certificateFile),
    /expected an unencrypted private key/,
  );
  await assert.rejects(readServerCertificate(join(directory, 'absent'), one.privateKeyFile), /cannot read .*absent/);
});
