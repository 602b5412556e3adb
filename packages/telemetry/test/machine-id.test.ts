// The id of a machine: what decides about it, and what it does not give away.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readMachineId } from '../src/machine-id.ts';

test('it follows from what the kernel says, unless a setting names the machine; where nobody says it there is none', (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'ursa-machine-id-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'boot_id');
  assert.equal(readMachineId('', file), '');
  writeFileSync(file, '\n');
  assert.equal(readMachineId('', file), '');
  writeFileSync(file, 'b3d1f0c2\n');
  const id = readMachineId('', file);
  assert.match(id, /^[0-9a-f]{32}$/);
  assert.equal(readMachineId('b3d1f0c2', file), id, 'the line ending is no part of it');
  assert.notEqual(readMachineId('rack 7', file), id);
  writeFileSync(file, 'after another boot\n');
  assert.notEqual(readMachineId('', file), id);
});
