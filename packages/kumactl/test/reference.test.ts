// The reference page covers the command tree, and its examples are command lines that kumactl knows.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { examples } from '../src/examples.ts';
import { describeCommands } from '../src/reference.ts';
import { run } from './terminal.ts';

const page = describeCommands();

test('every command has a section with an example of its own', () => {
  const sections = page.split('\n## ').slice(2);
  assert.ok(sections.length >= 19, `${sections.length} sections`);
  for (const section of sections) assert.doesNotMatch(section, /```sh\nkumactl [^\n]* --help\n/);
});

test('every example is on the page', () => {
  for (const [path, example] of Object.entries(examples)) {
    if (path !== 'inspect meshgateway') assert.ok(page.includes(example), example);
  }
});

for (const [path, example] of Object.entries(examples)) {
  test(`the example of "${path}" has only flags that exist`, async () => {
    const [words = ''] = example.replace(/^source <\(|\)$/g, '').split(/ > /);
    const [, ...args] = words.split(' ').map((word) => word.replace(/"\$TOKEN"/, 'x'));
    // --help after the flags: they are parsed, and nothing runs.
    const { code, stdout, stderr } = await run([...args, '--help']);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    assert.ok(stdout.startsWith(`Usage: kumactl ${path.replace('<policy>', 'meshtimeout')}`), stdout);
  });
}
