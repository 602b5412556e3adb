// Mutated documents of every type, by every way in: each becomes a resource or a named refusal, and what is taken does no harm to the engine.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MeshError, parseResource, type ResourceDraft } from '@ursa/resources';
import { stringify } from 'yaml';
import { parseBody } from '../../../src/api/http/document.ts';
import { parseOwnResource } from '../../../src/xds/registration.ts';
import { namedResources } from '../../../src/xds/rejection.ts';
import { openApiFixture } from '../../api/api-fixture.ts';
import { dataplaneDocument, openWithMeshes } from '../../api/documents.ts';
import { connectedProxy } from '../../connected-proxy.ts';
import { mutate, randomNumbers } from '../../xds/random-numbers.ts';
import { mutateDocument } from './mutate-document.ts';
import { type SeedDocument, seedDocuments } from './seed-documents.ts';

const perType = 1_300;
const slowest = { what: '', milliseconds: 0 };

/** Runs one input; gives back what came of it, or undefined when it was refused properly. */
function attempt<Result>(what: () => string, run: () => Result): Result | undefined {
  const started = performance.now();
  try {
    return run();
  } catch (error) {
    assert.ok(error instanceof MeshError && error.code !== 'internal', `${what()}: ${(error as Error).stack}`);
    return undefined;
  } finally {
    const milliseconds = performance.now() - started;
    if (milliseconds > slowest.milliseconds) Object.assign(slowest, { what: what().slice(0, 300), milliseconds });
  }
}

test('mutated documents of every type are taken or refused, and what is taken can be configured', async () => {
  const fixture = await openWithMeshes(openApiFixture(), 'default');
  const seeds = seedDocuments(fixture.types);
  const writable = fixture.types.all.filter((type) => !type.readOnly).map(({ name }) => name);
  assert.deepEqual(
    writable.filter((name) => !seeds.has(name)),
    [],
    'types without a seed',
  );
  const all = [...seeds.values()].flat();
  const random = randomNumbers(20261128);
  const pick = <Item>(items: readonly Item[]): Item => items[random(items.length)] as Item;
  const counts = { inputs: 0, taken: 0, configured: 0 };

  await fixture.manager.put(
    parseResource(fixture.types, {
      ...dataplaneDocument('web'),
      networking: {
        ...dataplaneDocument('web').networking,
        outbound: [{ port: 10_000, tags: { 'kuma.io/service': 'backend' } }],
      },
    }),
  );
  const proxy = connectedProxy('web');
  fixture.connect(proxy);

  /** Stores what was taken and works out the proxy's configuration: a policy that throws shows as a warning. */
  const configure = async (draft: ResourceDraft, what: () => string): Promise<void> => {
    if (draft.type === 'Mesh' || draft.name === 'web') return;
    const stored = { ...draft, ...(draft.mesh === '' ? {} : { mesh: 'default' }) };
    try {
      await fixture.manager.put(stored);
    } catch (error) {
      assert.ok(error instanceof MeshError && error.code !== 'internal', `${what()}: ${(error as Error).stack}`);
      return;
    }
    const { warnings = [] } = fixture.options.engine.config.get('default/web') ?? {};
    const failed = warnings.filter(({ message }) => /^\w+ could not be applied: /.test(message));
    assert.deepEqual(failed, [], what());
    counts.configured += 1;
    await fixture.manager.delete(stored);
  };

  for (const [type, documents] of seeds) {
    if (!writable.includes(type)) continue;
    for (let round = 0; round < perType; round += 1) {
      const document = mutateDocument(pick(documents), random(2) === 0 ? documents : all, random);
      // Now and then as text whose bytes are changed too, in both languages.
      const form = random(10);
      const text = form === 0 ? stringify(document) : JSON.stringify(document);
      const bytes = form < 3 ? mutate(Buffer.from(text), random) : Buffer.from(text);
      const body = {
        text: Buffer.from(bytes).toString('utf8'),
        contentType: form === 0 ? 'application/yaml' : 'application/json',
      };
      const what = () => `${type}: ${body.text}`;
      counts.inputs += 1;
      const draft = attempt(what, () =>
        parseResource(fixture.types, parseBody(body), { labels: fixture.options.labels }),
      );
      if (draft === undefined) continue;
      counts.taken += 1;
      if (counts.taken % 5 === 0) await configure(draft, what);
    }
  }
  console.log(
    `${counts.inputs} documents: ${counts.taken} taken, ${counts.configured} of these configured; slowest ${slowest.milliseconds.toFixed(1)} ms`,
  );
  console.log(`slowest: ${slowest.what}`);
  assert.ok(counts.inputs >= 60_000, `${counts.inputs}`);
  assert.ok(counts.taken > 1_000 && counts.configured > 200);
  assert.deepEqual(fixture.bugs, []);
});

test('mutated resources of registering proxies are taken or refused', () => {
  const { types } = openApiFixture();
  const seeds = (seedDocuments(types).get('Dataplane') ?? []) as readonly SeedDocument[];
  const random = randomNumbers(7);
  let taken = 0;
  const rounds = 10_000;
  for (let round = 0; round < rounds; round += 1) {
    const seed = seeds[random(seeds.length)] ?? {};
    const text = random(2) === 0 ? stringify(seed) : stringify(mutateDocument(seed, seeds, random));
    const bytes = Buffer.from(mutate(Buffer.from(text), random)).toString('utf8');
    const proxy = { mesh: 'default', name: String(seed.name), proxyType: 'dataplane' as const };
    if (
      attempt(
        () => bytes,
        () => parseOwnResource(types, bytes, proxy),
      ) !== undefined
    )
      taken += 1;
  }
  console.log(`${rounds} resources of proxies: ${taken} taken`);
  assert.ok(taken > 50);
});

test('mutated words of Envoy name resources that were sent, and no others', () => {
  const random = randomNumbers(11);
  const sent = [
    'outbound:127.0.0.1:11000',
    'inbound:10.0.0.1:80',
    'a',
    'kuma:envoy:admin',
    'a(b',
    '$&',
    'x'.repeat(300),
  ];
  const seeds = [
    'Error adding/updating listener(s) outbound:127.0.0.1:11000: missing ]: [a-z',
    'Only unique values for clusters are permitted: a, inbound:10.0.0.1:80: Proto constraint validation failed',
    `${'x'.repeat(300)}: ${'('.repeat(2_000)}`,
    'a'.repeat(16 * 1024),
  ].map((text) => Buffer.from(text));
  const rounds = 10_000;
  for (let round = 0; round < rounds; round += 1) {
    const message = Buffer.from(mutate(seeds[random(seeds.length)] ?? Buffer.from(''), random)).toString('utf8');
    const named = namedResources(message, sent);
    assert.ok(named.every((name) => sent.includes(name)));
  }
  console.log(`${rounds} words of Envoy`);
});
