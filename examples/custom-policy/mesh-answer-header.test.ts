// The guide "add a policy" stays true: its code is the code that runs here, and its example does what it says.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { resourceJson } from '@ursa/envoy';
import { builtinPolicies } from '@ursa/policies';
import { MeshError } from '@ursa/resources';
import { parse } from 'yaml';
import { createWorld } from '../../packages/engine/test/world.ts';
import { meshAnswerHeader } from './mesh-answer-header/mesh-answer-header.ts';

const guide = readFileSync(join(import.meta.dirname, '../../docs/guide/add-a-policy.md'), 'utf8');

/** The blocks of code in a language. */
function blocks(language: string): string[] {
  return [...guide.matchAll(new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 'gs'))].map(([, text = '']) => text);
}

function shopMesh() {
  const world = createWorld([...builtinPolicies, meshAnswerHeader]);
  const inbound = [{ port: 80, tags: { 'kuma.io/service': 'shop', 'kuma.io/protocol': 'http' } }];
  world.apply({ type: 'Mesh', name: 'default' });
  for (const [name, app] of [
    ['shop-1', 'shop'],
    ['bank-1', 'bank'],
  ]) {
    world.apply({
      type: 'Dataplane',
      mesh: 'default',
      name,
      labels: { app },
      networking: { address: '192.0.2.1', inbound },
    });
  }
  return world;
}

test('the code in the guide is the code that is tested', () => {
  const file = join(import.meta.dirname, 'mesh-answer-header/mesh-answer-header.ts');
  assert.deepEqual(blocks('ts'), [readFileSync(file, 'utf8')]);
});

test('the example adds its header to the answers of the service it selects', () => {
  const world = shopMesh();
  for (const text of blocks('yaml')) world.apply(parse(text));
  const answersOf = (name: string) => {
    const listeners = world.engine.config.get(world.connect('default', name))?.resources.listener ?? new Map();
    return JSON.stringify([...listeners.values()].map(resourceJson));
  };
  assert.match(answersOf('shop-1'), /"responseHeadersToAdd":\[\{"header":\{"key":"x-answered-by","value":"the shop"\}/);
  assert.doesNotMatch(answersOf('bank-1'), /x-answered-by/);
});

test('what the example refuses is refused with its field', () => {
  const rules = [{ default: { name: 'x-envoy-something', value: '1' } }];
  const document = { type: 'MeshAnswerHeader', mesh: 'default', name: 'bad', spec: { rules } };
  assert.throws(
    () => shopMesh().apply(document),
    (error) => error instanceof MeshError && error.violations[0]?.field === 'spec.rules[0].default.name',
  );
});
