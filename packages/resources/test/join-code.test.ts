// Join codes: what is written is read again, and a part of one is never taken for the whole.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatJoinCode, type JoinCode, parseJoinCode } from '../src/index.ts';

const code: JoinCode = {
  id: '0123456789abcdef',
  secret: 'kR9-_xQ2bT7vLmN4pZ8sAw',
  authority: 'ab'.repeat(32),
  addresses: ['https://192.0.2.1:5678', 'https://[2001:db8::1]:5678'],
};

test('a code is one word that no shell takes apart, and says what was put into it', () => {
  const text = formatJoinCode(code);
  assert.match(text, /^kj1_[\w-]+$/);
  assert.deepEqual(parseJoinCode(`  ${text}\n`), code);
});

test('a code that was cut off or changed anywhere is refused, and not quoted', () => {
  const text = formatJoinCode(code);
  for (let position = 4; position < text.length; position += 1) {
    const changed = text.slice(0, position) + (text[position] === 'A' ? 'B' : 'A') + text.slice(position + 1);
    for (const broken of [text.slice(0, position), changed]) {
      assert.throws(
        () => parseJoinCode(broken),
        ({ code: kind, message }: Error & { code: string }) =>
          kind === 'invalid' &&
          message.includes('Copy the whole line') &&
          !message.includes(broken.slice(4, 20) || 'kj1_W'),
        broken,
      );
    }
  }
});

test('what is no code is refused', () => {
  const withAddress = (address: string) => formatJoinCode({ ...code, addresses: [address] });
  const texts = [
    '',
    'web',
    'kj1_',
    formatJoinCode({ ...code, addresses: [] }),
    formatJoinCode({ ...code, authority: 'x' }),
  ];
  for (const text of [...texts, withAddress('http://192.0.2.1:5678'), withAddress('somewhere')])
    assert.throws(() => parseJoinCode(text), /this is no join code/, text);
  assert.throws(() => parseJoinCode(`kj1_${'A'.repeat(5000)}`), /too long/);
});
