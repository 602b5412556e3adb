import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Principal } from '@ursa/envoy/gen/envoy/config/rbac/v3/rbac_pb.ts';
import { type FromSubset, mergeSubsets, type SubsetRule } from '@ursa/policy';
import type { TargetRef } from '@ursa/resources';
import fc from 'fast-check';
import { rbacFromSubsets } from '../src/mesh-traffic-permission/rbac-from-subsets.ts';
import { headOf } from './drafts.ts';

type Tags = Readonly<Record<string, string>>;
type Entry = readonly [selector: Tags, action: string];

const head = headOf('MeshTrafficPermission', 'some');

/** What Envoy would decide for a client with these tags in its certificate. */
function isLetIn(entries: readonly Entry[], client: Tags): boolean {
  const items = entries.map(([tags, action]) => ({
    head,
    targetRef: { kind: 'MeshSubset', tags } as TargetRef,
    conf: { action },
  }));
  const rules = mergeSubsets(items, { negations: true }) as readonly SubsetRule<{ action: string }>[];
  const fromEntries = entries.map(
    ([tags, action]): FromSubset<{ action: string }> => ({
      subset: Object.entries(tags).map(([key, value]) => ({ key, value, not: false })),
      conf: { action },
    }),
  );
  const { policies = {} } = rbacFromSubsets('default', rules, fromEntries).rules;
  const names = new Set(Object.entries(client).map(([key, value]) => `kuma://${key}/${value}`));
  const principals = (policies.MeshTrafficPermission?.principals ?? []) as Principal[];
  return principals.some((principal) => holds(principal, names));
}

function holds({ identifier }: Principal, names: ReadonlySet<string>): boolean {
  switch (identifier.case) {
    case 'any':
      return true;
    case 'andIds':
      return identifier.value.ids.every((id) => holds(id, names));
    case 'orIds':
      return identifier.value.ids.some((id) => holds(id, names));
    case 'notId':
      return !holds(identifier.value, names);
    case 'authenticated':
      return names.has(String(identifier.value.principalName?.matchPattern.value));
    default:
      throw new Error(`not expected here: ${identifier.case}`);
  }
}

test('two clients that are refused by name stay out, though everybody else is let in', () => {
  const entries: Entry[] = [
    [{}, 'Allow'],
    [{ app: 'web' }, 'Deny'],
    [{ app: 'api' }, 'Deny'],
  ];
  const clients = ['web', 'api', 'other'].map((app) => isLetIn(entries, { app }));
  assert.deepEqual(clients, [false, false, true]);
});

test('for any entries a client is let in exactly when the last entry that selects it says so', () => {
  const anyTags = fc.dictionary(fc.constantFrom('app', 'env', 'zone'), fc.constantFrom('a', 'b'), { maxKeys: 2 });
  const anyEntry = fc.tuple(anyTags, fc.constantFrom('Allow', 'Deny', 'AllowWithShadowDeny'));
  fc.assert(
    fc.property(fc.array(anyEntry, { maxLength: 6 }), anyTags, (entries, client) => {
      const selecting = entries.filter(([tags]) => Object.entries(tags).every(([key, value]) => client[key] === value));
      const [, action = 'Deny'] = selecting.at(-1) ?? [];
      assert.equal(isLetIn(entries, client), action !== 'Deny');
    }),
    { numRuns: 1000 },
  );
});
