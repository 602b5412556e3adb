// OpenSSL's judgement of the certificates that `kumactl generate tls-certificate` writes.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { run } from '../terminal.ts';

const folder = mkdtempSync(join(tmpdir(), 'kumactl-certificate-'));
after(() => rmSync(folder, { recursive: true }));

for (const keyType of ['rsa', 'ecdsa']) {
  test(`a server certificate with an ${keyType} key is valid for its names under strict rules`, async () => {
    const [cert, key] = [join(folder, `${keyType}.pem`), join(folder, `${keyType}-key.pem`)];
    const names = ['--hostname', 'cp.example', '--hostname', '10.0.0.1', '--hostname', 'fd00::1'];
    const files = ['--cert-file', cert, '--key-file', key];
    const args = ['generate', 'tls-certificate', '--type', 'server', '--key-type', keyType, ...names, ...files];
    assert.equal((await run(args, { now: Date.now() })).code, 0);
    const strict = ['verify', '-x509_strict', '-check_ss_sig', '-purpose', 'sslserver', '-CAfile', cert];
    for (const name of [
      ['-verify_hostname', 'cp.example'],
      ['-verify_ip', '10.0.0.1'],
      ['-verify_ip', 'fd00::1'],
    ]) {
      assert.match(execFileSync('openssl', [...strict, ...name, cert], { encoding: 'utf8' }), /: OK$/m);
    }
    assert.throws(() =>
      execFileSync('openssl', [...strict, '-verify_hostname', 'other.example', cert], { stdio: 'pipe' }),
    );
    const publicOf = (command: readonly string[]) => execFileSync('openssl', [...command], { encoding: 'utf8' });
    assert.equal(publicOf(['x509', '-pubkey', '-noout', '-in', cert]), publicOf(['pkey', '-pubout', '-in', key]));
  });
}

test('a client certificate is for clients only', async () => {
  const files = ['--cert-file', join(folder, 'client.pem'), '--key-file', join(folder, 'client-key.pem')];
  assert.equal((await run(['generate', 'tls-certificate', '--type', 'client', ...files], { now: Date.now() })).code, 0);
  const verify = ['verify', '-x509_strict', '-CAfile', files[1] ?? ''];
  assert.match(
    execFileSync('openssl', [...verify, '-purpose', 'sslclient', files[1] ?? ''], { encoding: 'utf8' }),
    /: OK$/m,
  );
  assert.throws(() => execFileSync('openssl', [...verify, '-purpose', 'sslserver', files[1] ?? ''], { stdio: 'pipe' }));
});
