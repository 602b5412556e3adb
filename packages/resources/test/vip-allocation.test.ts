import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { allocateAddresses, formatAddress, parseAddressRange } from '../src/vip-allocation.ts';

const range = parseAddressRange('241.0.0.0/8');

test('a range is read without its network and broadcast addresses', () => {
  assert.deepEqual([range.first, range.last].map(formatAddress), ['241.0.0.1', '241.255.255.254']);
  const small = parseAddressRange('10.1.2.3/30');
  assert.deepEqual([small.first, small.last].map(formatAddress), ['10.1.2.1', '10.1.2.2']);
  const single = parseAddressRange('10.1.2.3/32');
  assert.deepEqual([single.first, single.last].map(formatAddress), ['10.1.2.3', '10.1.2.3']);
  for (const bad of ['', '241.0.0.0', '241.0.0.0/33', '256.0.0.0/8', 'fd00::/8', '1.2.3.4/8/8']) {
    assert.throws(() => parseAddressRange(bad), /expected an IPv4 range/, bad);
  }
});

test('an address depends on the name alone while nothing is in the way', () => {
  const names = ['kri_msvc_default_east__web_', 'kri_msvc_default_east__web2_'];
  const together = allocateAddresses(range, names, []);
  for (const name of names) assert.equal(allocateAddresses(range, [name], []).get(name), together.get(name));
});

test('ten thousand creations and deletions: no address twice at once, none moves, and a rebuild gives nearly all the same', () => {
  const held = new Map<string, string>();
  let seed = 1;
  const next = (bound: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 12) % bound;
  };
  for (let round = 0; round < 10_000; round++) {
    const name = `kri_msvc_mesh-${next(10)}_east__service-${next(400)}_`;
    if (held.delete(name)) continue;
    const address = allocateAddresses(range, [name], held.values()).get(name) ?? '';
    assert.ok(![...held.values()].includes(address));
    held.set(name, address);
  }
  const rebuilt = allocateAddresses(range, [...held.keys()], []);
  const moved = [...held].filter(([name, address]) => rebuilt.get(name) !== address);
  assert.ok(held.size > 1000 && moved.length <= 2, `${moved.length} of ${held.size} moved`);
});

test('in a crowded range every name still gets an address of its own, until none is left', () => {
  const crowded = parseAddressRange('10.0.0.0/28');
  fc.assert(
    fc.property(fc.uniqueArray(fc.string(), { maxLength: 14 }), fc.nat(14), (names, count) => {
      const before = allocateAddresses(crowded, names.slice(0, count), ['192.0.2.1']);
      const after = allocateAddresses(crowded, names.slice(count), before.values());
      const all = [...before.values(), ...after.values()];
      assert.equal(new Set(all).size, names.length);
    }),
    { numRuns: 200 },
  );
  const names = Array.from({ length: 15 }, (_, number) => `n${number}`);
  assert.equal(allocateAddresses(crowded, names, []).size, 14);
});
