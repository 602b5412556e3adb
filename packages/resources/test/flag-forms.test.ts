// Command lines as users of Go programs write them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plainFlags } from '@ursa/resources';

const switches = new Set(['--gateway', '-a']);
const lines: readonly [given: string, plain: string][] = [
  ['get meshes -o=json', 'get meshes -ojson'],
  ['run -v=name=web-1 -d=dp.yaml', 'run -vname=web-1 -ddp.yaml'],
  ['x --gateway=true -a=1', 'x --gateway -a'],
  ['x --gateway=FALSE -a=f y', 'x y'],
  ['x --gateway=perhaps -a=perhaps', 'x --gateway=perhaps -a=perhaps'],
  ['x --output=json -ojson -o= key=value', 'x --output=json -ojson -o= key=value'],
  ['exec -v=a=b -- app -o=json --gateway=false', 'exec -va=b -- app -o=json --gateway=false'],
];

for (const [given, plain] of lines) {
  test(given, () => {
    assert.equal(plainFlags(given.split(' '), switches).join(' '), plain);
  });
}
