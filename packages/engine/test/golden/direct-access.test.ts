// The golden set `xds-direct-access`: what a proxy gets to reach single instances. `../shared` lies beside the repository.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { resourceJson } from '@ursa/envoy';
import { parse, parseAllDocuments } from 'yaml';
import { dataplane, mesh as meshName, smallMesh } from '../small-mesh.ts';
import { createWorld } from '../world.ts';

const set = join(import.meta.dirname, '../../../../../shared/conformance/golden/xds-direct-access');

interface Case {
  readonly id: string;
  readonly title?: string;
  readonly dataplane: string;
  readonly allDataplanes: string;
  readonly mesh: string;
  readonly expected: string;
}

// One input has a field by a name of former versions, which no control plane reads any more.
const documents = (file: string): Record<string, unknown>[] =>
  parseAllDocuments(readFileSync(join(set, file), 'utf8').replaceAll('redirectPort:', 'redirectPortOutbound:')).flatMap(
    (document) => {
      const content = document.toJS() as Record<string, unknown> | null;
      return content?.type === undefined ? [] : [content];
    },
  );

/** Circuit breakers are no part of the set: the peer adds them elsewhere. */
function ownFields(resource: Record<string, unknown>): Record<string, unknown> {
  const { circuitBreakers: _, ...own } = resource;
  return own;
}

test('the golden set xds-direct-access', {
  skip: existsSync(set) ? false : 'conformance data is not beside the repository',
}, async (suite) => {
  const { cases } = JSON.parse(readFileSync(join(set, 'cases.json'), 'utf8')) as { readonly cases: readonly Case[] };
  for (const item of cases) {
    await suite.test(item.title ?? item.id, () => {
      const world = createWorld();
      const [proxy] = documents(item.dataplane);
      assert.ok(proxy);
      const others = documents(item.allDataplanes).filter(({ name }) => name !== proxy.name);
      for (const document of [...documents(item.mesh), ...others, proxy]) world.apply(document);
      world.settle();
      const config = world.engine.config.get(world.connect('default', String(proxy.name), { features: [] }));
      assert.ok(config);
      const made = [...config.resources.cluster.values(), ...config.resources.listener.values()]
        .filter(({ origin }) => origin === 'direct-access')
        .map((resource) => [resource.name, ownFields(resourceJson(resource) as Record<string, unknown>)]);
      const { resources = [] } = (parse(readFileSync(join(set, item.expected), 'utf8')) ?? {}) as {
        readonly resources?: readonly { readonly name: string; readonly resource: Record<string, unknown> }[];
      };
      const expected = resources.map(({ name, resource: { '@type': _, ...fields } }) => [name, fields]);
      assert.deepEqual(Object.fromEntries(made), Object.fromEntries(expected));
    });
  }
});

test('an instance that comes adds one listener to those who reach instances directly, and nothing to others', () => {
  const world = createWorld();
  const direct = dataplane('web', 1) as { networking: object };
  const transparentProxying = { redirectPortInbound: 15006, redirectPortOutbound: 15001, directAccessServices: ['*'] };
  const documentsOfMesh = [...smallMesh(), { ...direct, networking: { ...direct.networking, transparentProxying } }];
  for (const document of documentsOfMesh) world.apply(document);
  world.settle();
  const keys = [world.connect(meshName, 'web-1'), world.connect(meshName, 'web-2')];
  const listeners = () => keys.map((key) => world.engine.config.get(key)?.resources.listener ?? new Map());
  const before = listeners();
  // Two of the others have one address.
  assert.equal([...(before[0] ?? []).keys()].filter((name) => name.startsWith('direct_access_')).length, 4);
  world.apply(dataplane('db', 3));
  const after = listeners();
  const added = [...(after[0] ?? []).keys()].filter((name) => before[0]?.has(name) !== true);
  assert.deepEqual(added, ['direct_access_10.0.2.3:8080']);
  assert.equal(after[1], before[1]);
});
