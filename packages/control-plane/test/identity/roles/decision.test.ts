// The decision of role-based access control: what rules grant, and what they do not.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AccessQualifier, AccessRule, AccessVerb } from '@ursa/resources';
import { type AccessRequest, isGranted } from '../../../src/identity/roles/decision.ts';

const timeout = { name: 'MeshTimeout', scope: 'Mesh' } as const;

function write(changes: Partial<Extract<AccessRequest, { kind: 'resource' }>> = {}): AccessRequest {
  return { kind: 'resource', access: 'UPDATE', type: timeout, mesh: 'default', name: 'a', specs: [{}, {}], ...changes };
}

function token(changes: Partial<Extract<AccessRequest, { kind: 'token' }>> = {}): AccessRequest {
  return { kind: 'token', access: 'GENERATE_DATAPLANE_TOKEN', mesh: 'default', name: 'web-1', tags: {}, ...changes };
}

const update: readonly AccessVerb[] = ['UPDATE'];
const rule = (parts: Partial<AccessRule>): readonly AccessRule[] => [{ access: [...update], ...parts }];

test('nothing is granted without a rule, and a rule grants only what it names', () => {
  assert.equal(isGranted([], write()), false);
  assert.equal(isGranted([{}], write()), false);
  assert.equal(isGranted(rule({}), write()), true);
  assert.equal(isGranted(rule({}), write({ access: 'DELETE' })), false);
  assert.equal(isGranted(rule({}), token()), false);
});

test('types, names and mesh narrow a rule', () => {
  assert.equal(isGranted(rule({ types: ['MeshTimeout'] }), write()), true);
  assert.equal(isGranted(rule({ types: ['MeshRetry'] }), write()), false);
  assert.equal(isGranted(rule({ names: ['a', 'b'] }), write()), true);
  assert.equal(isGranted(rule({ names: ['b'] }), write()), false);
  assert.equal(
    isGranted(rule({ names: ['a'] }), write({ name: undefined })),
    false,
    'a list is of more than some names',
  );
  assert.equal(isGranted(rule({ mesh: 'default' }), write()), true);
  assert.equal(isGranted(rule({ mesh: 'other' }), write()), false);
  assert.equal(isGranted(rule({ mesh: 'default' }), write({ mesh: '' })), false, 'all meshes are more than one');
});

test('a rule for a mesh is about the mesh itself, and about nothing that belongs to none', () => {
  const mesh = { name: 'Mesh', scope: 'Global' } as const;
  const zone = { name: 'Zone', scope: 'Global' } as const;
  const secret = { name: 'GlobalSecret', scope: 'Global' } as const;
  const binding = { name: 'AccessRoleBinding', scope: 'Global' } as const;
  assert.equal(isGranted(rule({ mesh: 'default' }), write({ type: mesh, mesh: '', name: 'default' })), true);
  assert.equal(isGranted(rule({ mesh: 'default' }), write({ type: mesh, mesh: '', name: 'other' })), false);
  for (const type of [zone, secret, binding])
    assert.equal(isGranted(rule({ mesh: 'default' }), write({ type, mesh: '', name: 'default' })), false, type.name);
});

test('what is stored and what takes its place both have to be within rules', () => {
  const backend = { targetRef: { kind: 'MeshService', name: 'backend' } } as const;
  const rules = rule({ when: [backend] });
  const other = { targetRef: { kind: 'MeshService', name: 'web' } };
  assert.equal(isGranted(rules, write({ specs: [backend, backend] })), true);
  assert.equal(isGranted(rules, write({ specs: [other, backend] })), false, 'the policy of others is not taken over');
  assert.equal(isGranted(rules, write({ specs: [backend, other] })), false);
  const both = [...rules, ...rule({ when: [other as AccessQualifier] })];
  assert.equal(isGranted(both, write({ specs: [other, backend] })), true, 'by two rules');
});

/** Each: conditions, what the resource says, whether they hold. */
const conditions: readonly (readonly [string, readonly AccessQualifier[], unknown, boolean])[] = [
  [
    'the same reference',
    [{ targetRef: { kind: 'MeshSubset', tags: { team: 'a' } } }],
    { targetRef: { kind: 'MeshSubset', tags: { team: 'a' } } },
    true,
  ],
  [
    'a narrower one',
    [{ targetRef: { kind: 'MeshSubset', tags: { team: 'a' } } }],
    { targetRef: { kind: 'MeshSubset', tags: { team: 'a', v: '1' } } },
    true,
  ],
  [
    'a wider one',
    [{ targetRef: { kind: 'MeshSubset', tags: { team: 'a' } } }],
    { targetRef: { kind: 'MeshSubset' } },
    false,
  ],
  [
    'another value',
    [{ targetRef: { kind: 'MeshSubset', tags: { team: 'a' } } }],
    { targetRef: { kind: 'MeshSubset', tags: { team: 'b' } } },
    false,
  ],
  [
    'another kind',
    [{ targetRef: { kind: 'MeshService', name: 'a' } }],
    { targetRef: { kind: 'MeshGateway', name: 'a' } },
    false,
  ],
  [
    'labels',
    [{ targetRef: { kind: 'Dataplane', labels: { app: 'a' } } }],
    { targetRef: { kind: 'Dataplane', labels: { app: 'a' } } },
    true,
  ],
  [
    'no labels',
    [{ targetRef: { kind: 'Dataplane', labels: { app: 'a' } } }],
    { targetRef: { kind: 'Dataplane' } },
    false,
  ],
  [
    'a section',
    [{ targetRef: { kind: 'Dataplane', sectionName: 'http' } }],
    { targetRef: { kind: 'Dataplane', name: 'x' } },
    false,
  ],
  ['without a reference it is the mesh', [{ targetRef: { kind: 'Mesh' } }], {}, true],
  ['the mesh is more than one service', [{ targetRef: { kind: 'MeshService', name: 'a' } }], {}, false],
  [
    'kinds of proxies',
    [{ targetRef: { kind: 'Mesh', proxyTypes: ['Sidecar'] } }],
    { targetRef: { kind: 'Mesh', proxyTypes: ['Sidecar'] } },
    true,
  ],
  [
    'all kinds of proxies',
    [{ targetRef: { kind: 'Mesh', proxyTypes: ['Sidecar'] } }],
    { targetRef: { kind: 'Mesh' } },
    false,
  ],
  [
    'to',
    [{ to: { targetRef: { kind: 'MeshService', name: 'b' } } }],
    { to: [{ targetRef: { kind: 'MeshService', name: 'b' } }] },
    true,
  ],
  [
    'one of two to',
    [{ to: { targetRef: { kind: 'MeshService', name: 'b' } } }],
    { to: [{ targetRef: { kind: 'MeshService', name: 'b' } }, { targetRef: { kind: 'Mesh' } }] },
    false,
  ],
  [
    'each to by a condition of its own',
    [
      { to: { targetRef: { kind: 'MeshService', name: 'b' } } },
      { to: { targetRef: { kind: 'MeshService', name: 'c' } } },
    ],
    { to: [{ targetRef: { kind: 'MeshService', name: 'b' } }, { targetRef: { kind: 'MeshService', name: 'c' } }] },
    true,
  ],
  ['to is not from', [{ to: { targetRef: { kind: 'Mesh' } } }], { from: [{ targetRef: { kind: 'Mesh' } }] }, false],
  [
    'to says nothing of from',
    [{ to: { targetRef: { kind: 'Mesh' } } }],
    { to: [{ targetRef: { kind: 'Mesh' } }], from: [{ targetRef: { kind: 'Mesh' } }] },
    false,
  ],
  [
    'to says nothing of rules',
    [{ to: { targetRef: { kind: 'Mesh' } } }],
    { to: [{ targetRef: { kind: 'Mesh' } }], rules: [{}] },
    false,
  ],
  [
    'a target says all of it',
    [{ targetRef: { kind: 'Mesh' } }],
    { to: [{ targetRef: { kind: 'Mesh' } }], rules: [{}] },
    true,
  ],
  [
    'target and to of one condition',
    [{ targetRef: { kind: 'MeshService', name: 'a' }, to: { targetRef: { kind: 'Mesh' } } }],
    { targetRef: { kind: 'Mesh' }, to: [{ targetRef: { kind: 'Mesh' } }] },
    false,
  ],
  ['from', [{ from: { targetRef: { kind: 'Mesh' } } }], { from: [{ targetRef: { kind: 'Mesh' } }] }, true],
  ['sources', [{ sources: { match: { s: 'a' } } }], { sources: [{ match: { s: 'a', v: '1' } }] }, true],
  ['any source', [{ sources: { match: { s: 'a' } } }], { sources: [{ match: { s: '*' } }] }, false],
  [
    'one source of two',
    [{ sources: { match: { s: 'a' } } }],
    { sources: [{ match: { s: 'a' } }, { match: { s: 'b' } }] },
    false,
  ],
  [
    'sources and destinations',
    [{ sources: { match: { s: 'a' } }, destinations: { match: { s: 'b' } } }],
    { sources: [{ match: { s: 'a' } }], destinations: [{ match: { s: 'c' } }] },
    false,
  ],
  ['selectors', [{ selectors: { match: { s: 'a' } } }], { selectors: [{ match: { s: 'a' } }] }, true],
  ['a type without selectors', [{ selectors: { match: { s: 'a' } } }], { networking: {} }, false],
  ['a condition on tokens', [{ dpToken: { tags: [{ name: 's', value: 'a' }] } }], {}, false],
  ['names of objects are no tags', [{ sources: { match: { constructor: 'x' } } }], { sources: [{ match: {} }] }, false],
];

for (const [what, when, spec, expected] of conditions) {
  test(`condition: ${what}`, () => {
    assert.equal(isGranted(rule({ when: [...when] }), write({ specs: [spec] })), expected);
  });
}

test('a data plane token needs the tags of a condition, and no other values of them', () => {
  const when = [
    {
      dpToken: {
        tags: [
          { name: 's', value: 'a' },
          { name: 's', value: 'b' },
        ],
      },
    },
  ];
  const rules: readonly AccessRule[] = [{ access: ['GENERATE_DATAPLANE_TOKEN'], when }];
  assert.equal(isGranted(rules, token({ tags: { s: ['a'] } })), true);
  assert.equal(isGranted(rules, token({ tags: { s: ['a', 'b'], other: ['x'] } })), true);
  assert.equal(isGranted(rules, token({ tags: { s: ['a', 'c'] } })), false);
  assert.equal(isGranted(rules, token()), false, 'a token without tags is good for all of them');
  assert.equal(isGranted(rules, token({ tags: { s: [] } })), false);
});

test('tokens: names and mesh narrow, types do not', () => {
  const rules: readonly AccessRule[] = [
    { access: ['GENERATE_DATAPLANE_TOKEN'], mesh: 'default', names: ['web-1'], types: ['MeshTimeout'] },
  ];
  assert.equal(isGranted(rules, token()), true);
  assert.equal(isGranted(rules, token({ mesh: 'other' })), false);
  assert.equal(isGranted(rules, token({ name: '' })), false);
  const ofMesh: readonly AccessRule[] = [{ access: ['GENERATE_USER_TOKEN'], mesh: 'default' }];
  assert.equal(isGranted(ofMesh, token({ access: 'GENERATE_USER_TOKEN', mesh: '' })), false, 'users belong to no mesh');
});
