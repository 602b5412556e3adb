// What is written here, as OpenSSL's parser (node:crypto) reads it.
import assert from 'node:assert/strict';
import { generateKeyPairSync, sign, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import {
  basicConstraints,
  distinguishedName,
  extendedKeyUsage,
  integer,
  keyUsage,
  objectIdentifier,
  signCertificate,
  subjectAltName,
  time,
} from '../src/index.ts';

test('a certificate is read and verified by other software as it was written', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const name = distinguishedName('héllo');
  const addresses = ['10.0.0.1', '::1', '2001:db8::7:0:1', '::ffff:1.2.3.4'];
  const pem = await signCertificate(
    {
      serialNumber: Buffer.from('00ff01', 'hex'),
      issuer: name,
      subject: name,
      publicKey: publicKey.export({ type: 'spki', format: 'der' }),
      validity: { notBefore: Date.UTC(2026, 0, 1), notAfter: Date.UTC(2050, 0, 1) },
      extensions: [
        basicConstraints(true),
        keyUsage('digitalSignature', 'certSign'),
        extendedKeyUsage('serverAuth'),
        subjectAltName({ dnsNames: ['a.test'], uris: ['spiffe://a/b'], addresses }, false),
      ],
    },
    { keyType: 'ec', sign: async (bytes) => sign('sha256', bytes, privateKey) },
  );
  const certificate = new X509Certificate(pem);
  assert.ok(certificate.verify(publicKey));
  assert.equal(certificate.subject, 'CN=héllo');
  assert.equal(certificate.serialNumber, 'FF01');
  assert.equal(certificate.ca, true);
  assert.equal(certificate.validFrom, 'Jan  1 00:00:00 2026 GMT');
  assert.equal(certificate.validTo, 'Jan  1 00:00:00 2050 GMT');
  assert.deepEqual(certificate.keyUsage, ['1.3.6.1.5.5.7.3.1']);
  assert.equal(
    certificate.subjectAltName,
    'DNS:a.test, URI:spiffe://a/b, IP Address:10.0.0.1, IP Address:0:0:0:0:0:0:0:1, IP Address:2001:DB8:0:0:0:7:0:1, IP Address:0:0:0:0:0:FFFF:102:304',
  );
});

test('numbers, identifiers and times have the shortest form that DER allows', () => {
  const hex = (der: Buffer): string => der.toString('hex');
  assert.equal(hex(integer(Buffer.from([0, 0, 1]))), '020101');
  assert.equal(hex(integer(Buffer.from([0x80]))), '02020080');
  assert.equal(hex(integer(Buffer.from([]))), '020100');
  assert.equal(hex(objectIdentifier('1.2.840.113549')), '06062a864886f70d');
  assert.equal(
    time(Date.UTC(2049, 11, 31, 23, 59, 59))
      .subarray(2)
      .toString(),
    '491231235959Z',
  );
  assert.equal(
    time(Date.UTC(2050, 0, 1))
      .subarray(2)
      .toString(),
    '20500101000000Z',
  );
});
