// The golden set of firewalld's file: rules as text in, XML out.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { firewalldElements, formatFirewalldFile } from '@ursa/transparent-proxy';

const folder = join(import.meta.dirname, '../../../../../shared/conformance/golden/tproxy-firewalld');
const absent = existsSync(folder) ? false : 'conformance data is not beside the repository';

test('rules of iptables as rules of firewalld', { skip: absent }, () => {
  const read = (file: string): string => readFileSync(join(folder, file), 'utf8');
  const { cases }: { cases: readonly { input: string; expected: string }[] } = JSON.parse(read('cases.json'));
  assert.ok(cases.length >= 2);
  for (const { input, expected } of cases) {
    const text = formatFirewalldFile(firewalldElements(read(input), 'ipv4'));
    assert.equal(text.trimEnd(), read(expected).trimEnd(), input);
  }
});
