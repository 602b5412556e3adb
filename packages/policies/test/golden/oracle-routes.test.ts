// Routes against the conformance corpus, through the whole engine.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { after, test } from 'node:test';
import { compareScenario, corpus, scenariosOf } from '../../../engine/test/oracle.ts';

const known: Readonly<Record<string, string>> = {
  'mhr-doc-mirror': 'copies go to the MeshService that is named, and MeshCircuitBreaker guards their clusters, too',
  'mhr-to-mmzs': 'MeshMultiZoneServices are not served yet',
};
const absent = existsSync(corpus) ? false : 'conformance data is not beside the repository';
const counts = { passed: 0, total: 0 };
after(() => console.log(`oracle-routes: ${counts.passed}/${counts.total}`));

for (const folder of ['meshhttproute', 'meshtcproute'].flatMap(scenariosOf)) {
  const name = basename(folder);
  counts.total++;
  test(`oracle ${name}: every Envoy resource is what the peer sends`, { skip: known[name] ?? false }, () => {
    // A warning is ours alone: the peer leaves a missing backend out without a word.
    const { differences } = compareScenario(folder);
    assert.deepEqual(
      differences.filter((difference) => !difference.startsWith('warning')),
      [],
    );
    counts.passed++;
  });
}

test('the corpus has routes', { skip: absent }, () => assert.ok(counts.total >= 20));
