import assert from 'node:assert/strict';
import { test } from 'node:test';
import fastCheck from 'fast-check';
import { parseJson, parseYamlDocuments } from '../src/index.ts';

const read = (text: string): unknown[] => parseYamlDocuments(text, { source: 'mesh.yaml' }).map(({ value }) => value);

test('only so many values are read, and signs inside of texts are none', () => {
  assert.throws(() => parseJson('[1,2,3,4]', 'the body', 4), { code: 'too-large' });
  assert.deepEqual(parseJson('[1,2,3]', 'the body', 4), [1, 2, 3]);
  assert.throws(() => parseJson('{"a":{"b":1}}', 'the body', 3), { code: 'too-large' });
  for (const written of [',,,:::,,,', 'a\\",:\\",:,:', '\\\\'])
    assert.equal(parseJson(`"${written}"`, 'the body', 1), JSON.parse(`"${written}"`));
});

test('documents are split at their marks; empty ones and comments are left out', () => {
  assert.deepEqual(read('type: Mesh\nname: a\n---\n# nothing\n---\ntype: Mesh\nname: b\n'), [
    { type: 'Mesh', name: 'a' },
    { type: 'Mesh', name: 'b' },
  ]);
  assert.deepEqual(read(''), []);
});

test('values are those of YAML 1.2: yes, no and dates are text', () => {
  assert.deepEqual(read('a: yes\nb: no\nc: 2020-01-01\nd: 012\ne: 1e3\nf: ~\n'), [
    { a: 'yes', b: 'no', c: '2020-01-01', d: 12, e: 1000, f: null },
  ]);
});

test('an error says file, line and column and shows the text with a caret', () => {
  assert.throws(() => read('a: 1\nb:\n  c: 1\n  c: 2\n'), {
    code: 'invalid',
    message: 'mesh.yaml:4:3: this key is given twice in one mapping; keep one of them\n  c: 2\n  ^',
  });
});

test('keys are the same when an object would hold them as one', () => {
  for (const text of ['1: a\n"1": b\n', 'null: a\n"": b\n', '{a: {b: 1, "b": 2}}'])
    assert.throws(() => read(text), { message: /given twice in one mapping/ }, text);
});

test('merge keys are refused; a few aliases are taken, a bomb of them is not', () => {
  assert.throws(() => read('a: &x {b: 1}\nc:\n  <<: *x\n'), {
    message: /mesh.yaml:3:3: merge keys \(<<\) are not accepted/,
  });
  assert.deepEqual(read('a: &x {b: 1}\nc: *x\n'), [{ a: { b: 1 }, c: { b: 1 } }]);
  const bomb = Array.from(
    { length: 9 },
    (_, level) => `k${level + 1}: &k${level + 1} [${`*k${level},`.repeat(9)}]`,
  ).join('\n');
  assert.throws(() => read(`k0: &k0 x\n${bomb}\n`), { code: 'invalid', message: /more than 100 values by alias/ });
  assert.throws(() => read('a: *nowhere\n'), { message: /alias/i });
  assert.throws(() => parseYamlDocuments('a: &x 1\nb: *x\n', { source: 'x', maximumAliases: 0 }), {
    message: /^x:2:4: aliases are not accepted/,
  });
});

test('a text that is too long is not read', () => {
  assert.throws(() => parseYamlDocuments('a'.repeat(101), { source: 'x', maximumLength: 100 }), { code: 'too-large' });
});

test('a violation is shown at the field it names, or at the nearest field around it', () => {
  const [document] = parseYamlDocuments(
    'type: Dataplane\nnetworking:\n  inbound:\n  - port: 80\n    tags:\n      kuma.io/service: b@d\n',
    {
      source: 'dp.yaml',
    },
  );
  assert.equal(
    document?.describe('networking.inbound[0].tags["kuma.io/service"]', 'wrong'),
    'dp.yaml:6:7: networking.inbound[0].tags["kuma.io/service"]: wrong\n      kuma.io/service: b@d\n      ^',
  );
  assert.deepEqual(document?.positionOf('networking.address'), { line: 2, column: 1 });
  const [json] = parseYamlDocuments('{\n "networking": {"address": 1}}', { source: 'dp.json' });
  assert.deepEqual(json?.positionOf('networking.address'), { line: 2, column: 17 });
});

test('JSON keys given twice are refused, also when written with escapes, in every reader', () => {
  for (const text of ['{"a":1,"a":2}', '{"a":{"b":1,"\\u0062":2}}', '[{"a":1},{"c":{"d":1,"d":1}}]']) {
    assert.throws(() => parseJson(text), { code: 'invalid', message: /given twice in one object/ });
  }
  assert.throws(() => read('{"a":1,"a":2}'), { message: /^mesh.yaml:1:8: the key "a" is given twice/ });
  assert.deepEqual(parseJson('[{"a":1},{"a":2}]'), [{ a: 1 }, { a: 2 }]);
});

test('text that is not JSON is refused with its place', () => {
  assert.throws(() => parseJson('{"a": 1,\n "b": tru}'), {
    message: 'the body:2:7: expected a value\n "b": tru}\n      ^',
  });
  for (const text of ['', '{', '{"a"}', '[1,]', '{"a":1,}', '01', '"a', '"\u0001"', 'nul', '1 2', "{'a':1}", '[1 2]']) {
    assert.throws(() => parseJson(text), { code: 'invalid' }, text);
  }
});

test('every JSON value is read as JSON.parse reads it', () => {
  const noDangerousKey = (text: string): boolean => !/__proto__|constructor|prototype/.test(text);
  fastCheck.assert(
    fastCheck.property(fastCheck.json({ maxDepth: 6 }).filter(noDangerousKey), (text) => {
      assert.deepEqual(parseJson(text), JSON.parse(text));
      assert.deepEqual(parseJson(JSON.stringify(JSON.parse(text), null, 2)), JSON.parse(text));
    }),
    { numRuns: 200 },
  );
});
