// Tables and ages as users of kumactl know them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tableOf } from '../src/resource-table.ts';
import { formatAge, formatTable } from '../src/table.ts';
import { type KnownType, typeHandles } from '../src/type-handles.ts';

const now = Date.parse('2026-11-23T12:00:00Z');

test('columns are three spaces apart and lines end with their last word', () => {
  assert.equal(
    formatTable(
      ['MESH', 'NAME'],
      [
        ['default', 'a'],
        ['m', ''],
      ],
    ),
    'MESH      NAME\ndefault   a\nm\n',
  );
});

test('an age is given in its largest unit', () => {
  const ages = [
    '2026-11-23T11:59:55Z',
    '2026-11-23T11:57:00Z',
    '2026-11-23T05:00:00Z',
    '2026-11-21T12:00:00Z',
    '2024-11-22T12:00:00Z',
  ];
  assert.deepEqual(
    ages.map((instant) => formatAge(instant, now)),
    ['5s', '3m', '7h', '2d', '2y'],
  );
});

test('an instant that was never set has the longest age there is, and none at all is "never"', () => {
  assert.equal(formatAge('0001-01-01T00:00:00Z', now), '292y');
  assert.equal(formatAge(undefined, now), 'never');
});

function typeNamed(name: string): KnownType {
  const type = typeHandles.byAnyName(name);
  assert.ok(type);
  return type;
}

test('tags of several inbounds share one cell', () => {
  const dataplane = {
    name: 'experiment',
    mesh: 'default',
    creationTime: '2026-11-23T11:59:55Z',
    networking: {
      address: '127.0.0.1',
      inbound: [
        { tags: { 'kuma.io/service': 'mobile', version: 'v1' } },
        { tags: { 'kuma.io/service': 'metrics', version: 'v1' } },
      ],
    },
  };
  assert.equal(
    tableOf(typeNamed('Dataplane'), [dataplane], now),
    'MESH      NAME         TAGS                                        ADDRESS     AGE\n' +
      'default   experiment   kuma.io/service=metrics,mobile version=v1   127.0.0.1   5s\n',
  );
});

test('what a proxy advertises is its address, and a table without lines has all its columns', () => {
  const dataplane = {
    name: 'web',
    mesh: 'default',
    networking: { address: '10.0.0.1', advertisedAddress: '192.0.2.1' },
  };
  const table = tableOf(typeNamed('Dataplane'), [dataplane], now);
  assert.deepEqual(table.split('\n')[1]?.split(/ {3,}/), ['default', 'web', '192.0.2.1', 'never']);
  assert.equal(tableOf(typeNamed('MeshTimeout'), [], now), 'MESH   NAME   AGE\n');
});

test('a global type has no mesh column', () => {
  assert.equal(
    tableOf(typeNamed('Zone'), [{ name: 'east', creationTime: '2026-11-23T11:59:55Z' }], now),
    'NAME   AGE\neast   5s\n',
  );
});
