import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openConfigWarnings } from '../../src/xds/config-warnings.ts';

function openLogged() {
  const logged: string[] = [];
  const warnings = openConfigWarnings({ warn: (_, fields) => logged.push(`${fields.proxy}: ${fields.reason}`) });
  return { logged, warnings };
}

const missing = [{ message: 'no backend' }];

test('a warning that many proxies have is logged once', () => {
  const { logged, warnings } = openLogged();
  for (const proxy of ['default/a', 'default/b', 'default/a']) warnings.report(proxy, missing);
  assert.deepEqual(logged, ['default/a: no backend']);
});

test('a warning that ended everywhere is logged again when it comes back', () => {
  const { logged, warnings } = openLogged();
  warnings.report('default/a', missing);
  warnings.report('default/b', missing);
  warnings.report('default/a', []);
  warnings.report('default/a', missing);
  assert.equal(logged.length, 1);
  warnings.report('default/a', []);
  warnings.forget('default/b');
  warnings.report('default/b', missing);
  assert.deepEqual(logged, ['default/a: no backend', 'default/b: no backend']);
});
