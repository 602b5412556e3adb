// What is said of inbounds without building them is what their listeners do.
import assert from 'node:assert/strict';
import { basename } from 'node:path';
import { test } from 'node:test';
import { decodeResource } from '@ursa/envoy';
import { builtinPolicies } from '@ursa/policies';
import { openEngine, type ProxyConfig } from '../src/index.ts';
import { acceptsPlaintext } from '../src/strict-inbounds.ts';
import { configOf, openScenario, scenarioFolders } from './scenario.ts';
import { mesh, meshDocument, smallMesh } from './small-mesh.ts';
import { createWorld } from './world.ts';

/** Read from the listeners that a proxy gets. */
function strictIn(config: ProxyConfig | undefined): readonly string[] {
  return [...(config?.resources.listener.values() ?? [])]
    .filter(({ origin }) => origin === 'inbound')
    .filter((resource) => !acceptsPlaintext(decodeResource({ ...resource, type: 'listener' })))
    .map(({ name }) => name);
}

test('in every scenario each proxy has the strict inbounds that are said of it', () => {
  let strict = 0;
  for (const folder of scenarioFolders()) {
    const scenario = openScenario(folder);
    for (const proxy of scenario.proxies) {
      const names = strictIn(configOf(scenario, proxy));
      strict += names.length;
      const said = scenario.world.engine.strictInbounds.get(`${scenario.mesh}/${proxy}`);
      assert.deepEqual([...said].sort(), [...names].sort(), `${basename(folder)}: ${proxy}`);
    }
  }
  assert.ok(strict > 0, 'some scenario is strict');
});

const tls = (mode: string) => ({
  type: 'MeshTLS',
  mesh,
  name: 'modes',
  spec: { targetRef: { kind: 'Mesh' }, rules: [{ default: { mode } }] },
});
// Rewrites the finished listener, after all that has a say in modes.
const opened = {
  type: 'MeshProxyPatch',
  mesh,
  name: 'opened',
  spec: {
    targetRef: { kind: 'Mesh' },
    default: {
      appendModifications: [
        {
          listener: {
            operation: 'Patch',
            match: { origin: 'inbound' },
            jsonPatches: [{ op: 'remove', path: '/filterChains/0/transportSocket' }],
          },
        },
      ],
    },
  },
};

for (const [what, documents, count] of [
  ['a mesh without mTLS', [meshDocument()], 0],
  ['a strict mesh', [meshDocument('STRICT')], 1],
  ['a permissive mesh', [meshDocument('PERMISSIVE')], 0],
  ['a permissive mesh with a strict MeshTLS', [meshDocument('PERMISSIVE'), tls('Strict')], 1],
  ['a strict mesh with a permissive MeshTLS', [meshDocument('STRICT'), tls('Permissive')], 0],
  ['a strict mesh with a patch that opens the listener', [meshDocument('STRICT'), opened], 0],
] as const)
  test(`${what}: ${count} strict inbounds`, () => {
    const world = createWorld();
    for (const document of [...smallMesh(), ...documents]) world.apply(document);
    world.settle();
    const key = world.connect(mesh, 'api-1', {});
    assert.equal(world.engine.strictInbounds.get(key).length, count);
    assert.deepEqual(world.engine.strictInbounds.get(key), strictIn(world.engine.config.get(key)));
  });

test('under a change that nobody has made nothing of a configuration is built for it, and no policy is selected again', () => {
  const world = createWorld();
  for (const document of smallMesh()) world.apply(document);
  world.settle();
  const engine = openEngine({ graph: world.graph, inputs: world.inputs, policies: builtinPolicies });
  const keys = ['web-1', 'web-2', 'api-1'].map((name) => world.connect(mesh, name, {}));
  const watches = keys.map((key) => world.graph.watch(engine.config, [key], () => {}));
  const other = createWorld();
  other.apply(meshDocument('STRICT'));
  const before = { ...world.graph.stats().recomputed };
  const then = engine.whatIf(new Map([['Mesh', new Map([[`/${mesh}`, other.resources('Mesh').get(`/${mesh}`)]])]]));
  for (const key of keys) assert.equal(then.strictInbounds.get(key).length, 1);
  const after = world.graph.stats().recomputed;
  const untouched = ['config', 'resources of a proxy', 'inbounds', 'outbounds', 'dataplane facts'];
  for (const name of [...untouched, 'selected policies']) {
    assert.ok((before[name] ?? 0) > 0, `${name} is a derivation`);
    assert.equal(after[name], before[name], name);
  }
  for (const watch of watches) watch.stop();
});
