// What of Envoy's own description of itself is not told.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { redactSecrets } from '../src/redact-secrets.ts';

const set = join(import.meta.dirname, '../../../../shared/conformance/golden/envoy-config-dump-sanitize');
const read = (file: string): unknown => JSON.parse(readFileSync(join(set, file), 'utf8'));

test('dumps of the golden set envoy-config-dump-sanitize', {
  skip: existsSync(set) ? false : 'conformance data is not here',
}, () => {
  const { cases } = read('cases.json') as { readonly cases: readonly { input: string; expected: string }[] };
  assert.ok(cases.length > 0);
  for (const { input, expected } of cases) assert.deepEqual(redactSecrets(read(input)), read(expected));
});

const pem = '-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n';
const token = 'eyJhbGciOiJSUzI1NiJ9.eyJOYW1lIjoid2ViIn0.c2lnbmF0dXJl-of-it';

test('keys, tokens and credentials are left out wherever they are', () => {
  const dump = {
    tls: { private_key: { inline_bytes: 'c2VjcmV0', filename: '/etc/key.pem' }, password: { inline_string: 'open' } },
    headers: [{ header: { key: 'authorization', value: 'Basic b3Blbg==' } }, { key: 'x-api-key', value: 'open' }],
    set: [{ name: 'Authorization', value: 'Bearer open' }],
    text: `before ${pem} after ${token}`,
    bytes: Buffer.from(pem).toString('base64'),
    list: [[token]],
  };
  const text = JSON.stringify(redactSecrets(dump));
  for (const secret of ['c2VjcmV0', 'open', 'b3Blbg', 'PRIVATE', 'LS0tLS1', 'eyJ'])
    assert.ok(!text.includes(secret), secret);
  for (const kept of ['/etc/key.pem', 'before', 'after', 'authorization']) assert.ok(text.includes(kept), kept);
});

test('what is no secret stays as it is', () => {
  const dump = {
    key: 'version',
    value: 'v1',
    count: 3,
    nothing: null,
    nested: [{ key: 'kuma.io/service', value: 'web' }],
  };
  assert.deepEqual(redactSecrets(dump), dump);
});
