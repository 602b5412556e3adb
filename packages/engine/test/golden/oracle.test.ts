// The conformance corpus played against the engine alone: the areas that hold completely must go on holding. The rest is the business of
// `npm run conformance`, which plays the whole corpus against a running control plane.
import assert from 'node:assert/strict';
import { basename } from 'node:path';
import { test } from 'node:test';
import { compareScenario, scenariosOf } from '../oracle.ts';

const areas = [
  'baseline',
  'outbounds',
  'protocols',
  'meshtimeout',
  'meshcircuitbreaker',
  'meshretry',
  'meshtimeout',
  'meshtrace',
  'meshtrafficpermission',
];
const scenarios = areas.flatMap(scenariosOf);

test('the conformance corpus is there, or the run says that it was left out', (context) => {
  if (scenarios.length === 0) context.diagnostic('left out: there is no ../shared/conformance beside the repository');
  assert.ok(scenarios.length === 0 || scenarios.length >= areas.length);
});

for (const folder of scenarios) {
  test(`oracle ${basename(folder)}: every Envoy resource is what the peer sends`, () => {
    assert.deepEqual(compareScenario(folder).differences, []);
  });
}
