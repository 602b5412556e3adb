// Hosts on which IPv6 is switched off.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { hasIpv6, withIpv4Names } from '../src/ip-families.ts';

test('a host has IPv6 when an interface has an address of it', (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'ursa-families-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const table = join(folder, 'if_inet6');
  assert.equal(hasIpv6(table), false);
  writeFileSync(table, '');
  assert.equal(hasIpv6(table), false);
  writeFileSync(table, '00000000000000000000000000000001 01 80 10 80       lo\n');
  assert.equal(hasIpv6(table), true);
});

test('without IPv6 names of the bootstrap are looked up as IPv4, but where it says something else itself', () => {
  const clusters = [
    { name: 'ads_cluster', type: 'STRICT_DNS' },
    { name: 'own', type: 'LOGICAL_DNS', dnsLookupFamily: 'ALL' },
    { name: 'admin', type: 'STATIC' },
  ];
  const { staticResources } = parse(withIpv4Names(JSON.stringify({ staticResources: { clusters } })));
  assert.deepEqual(staticResources.clusters, [
    { name: 'ads_cluster', type: 'STRICT_DNS', dnsLookupFamily: 'V4_ONLY' },
    clusters[1],
    clusters[2],
  ]);
});
