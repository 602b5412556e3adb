import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openIssuer } from '../../src/identity/authorities/authority.ts';
import { createBuiltinAuthority } from '../../src/identity/authorities/builtin-authority.ts';
import { issueLeaf } from '../../src/identity/certificates/certificate.ts';
import { generateKeys } from '../../src/identity/certificates/key-pair.ts';
import { openServerCertificate } from '../../src/identity/server-certificate.ts';

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
const now = Date.now();

test('OpenSSL verifies workload, server and authority certificates under its strict rules', {
  skip: !hasOpenssl && 'openssl is not installed',
}, async (context) => {
  const directory = mkdtempSync(join(tmpdir(), 'openssl-'));
  context.after(() => rmSync(directory, { recursive: true }));
  const verify = (authority: string, certificate: string, purpose: string): void => {
    const output = execFileSync('openssl', [
      'verify',
      '-x509_strict',
      '-purpose',
      purpose,
      '-CAfile',
      authority,
      certificate,
    ]);
    assert.match(output.toString(), /: OK/);
  };
  for (const [kind, conf] of [
    ['ecdsa', undefined],
    ['rsa', { caCert: { RSAbits: 2048 } }],
  ] as const) {
    const pair = await createBuiltinAuthority('default', conf, now);
    const keys = await generateKeys({ kind: 'p256' });
    const leaf = await issueLeaf(
      {
        names: { uris: ['spiffe://default/web', 'kuma://kuma.io/service/web'] },
        publicKey: keys.publicKey,
        usages: ['serverAuth', 'clientAuth'],
        validity: { notBefore: now - 1000, notAfter: now + 60_000 },
      },
      openIssuer(pair),
    );
    const files = { authority: join(directory, `${kind}-ca.pem`), leaf: join(directory, `${kind}-leaf.pem`) };
    writeFileSync(files.authority, pair.certificate);
    writeFileSync(files.leaf, leaf);
    verify(files.authority, files.authority, 'any');
    verify(files.authority, files.leaf, 'sslserver');
    verify(files.authority, files.leaf, 'sslclient');
    const text = execFileSync('openssl', ['x509', '-in', files.leaf, '-noout', '-ext', 'subjectAltName']).toString();
    assert.match(text, /critical\s+URI:spiffe:\/\/default\/web, URI:kuma:\/\/kuma\.io\/service\/web/);
  }
  const server = await openServerCertificate(join(directory, 'server'));
  verify(server.certificateFile, server.certificateFile, 'sslserver');
});
