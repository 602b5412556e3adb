// Misconfigurations that people really make, a folder each: one command has to name the fault, and what to do about it.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { run } from './terminal.ts';

const folder = join(import.meta.dirname, 'misconfigurations');

for (const name of readdirSync(folder)) {
  test(`one command names the fault: ${name}`, async () => {
    const read = (file: string) => readFileSync(join(folder, name, file), 'utf8');
    const { command, names } = parse(read('case.yaml')) as { readonly command: string; readonly names: string };
    const words = command.split(' ').map((word) => (word === 'mesh.yaml' ? join(folder, name, word) : word));
    const { stdout, stderr } = await run(['--no-config', ...words]);
    assert.ok(stdout.includes(names), `kumactl ${command} said:\n${stdout}${stderr}`);
    assert.match(stdout, /^ {2}fix: \S/m);
  });
}

test('there are at least 20 of them', async () => {
  assert.ok(readdirSync(folder).length >= 20);
});
