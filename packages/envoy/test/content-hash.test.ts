import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { base64, catchAllRouteName, contentHash, sha256, sha256Hex } from '../src/index.ts';

test('sha256 agrees with the platform at every length around its block borders', () => {
  for (let length = 0; length < 200; length++) {
    const text = 'é'.repeat(length % 3) + 'x'.repeat(length);
    assert.equal(sha256Hex(text), createHash('sha256').update(text).digest('hex'));
  }
  const long = 'mesh '.repeat(50_000);
  assert.equal(sha256Hex(long), createHash('sha256').update(long).digest('hex'));
});

test('base64 agrees with the platform, padding included', () => {
  for (let length = 0; length < 10; length++) {
    const bytes = sha256(String(length)).subarray(0, length);
    assert.equal(base64(bytes), Buffer.from(bytes).toString('base64'));
  }
});

test('the name of the catch-all route is the one that peers compute', () => {
  assert.equal(catchAllRouteName, '9Zuf5Tg79OuZcQITwBbQykxAk2u4fRKrwYn3//AL4Yo=');
});

test('the content hash tells apart everything that differs in one bit or in length', () => {
  const seen = new Set<string>();
  const bytes = new Uint8Array(300);
  let count = 0;
  for (let length = 0; length <= bytes.length; length++, count++) seen.add(contentHash(bytes.subarray(0, length)));
  for (let bit = 0; bit < bytes.length * 8; bit++, count++) {
    const flipped = Uint8Array.from(bytes);
    flipped[bit >> 3] = 1 << (bit & 7);
    seen.add(contentHash(flipped));
  }
  assert.equal(seen.size, count);
  assert.match(contentHash(bytes), /^[0-9a-f]{32}$/);
});
