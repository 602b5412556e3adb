// What most vertices have little of is kept in small containers, which must behave as the maps and sets that they stand for.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { makeArgumentTable } from '../src/argument-table.ts';
import type { Argument } from '../src/collection.ts';
import { addReader, type Computation, makeCell, makeComputation, readersOf, removeReader } from '../src/vertex.ts';

const shared = { one: 1 };
const argument = fc.constantFrom<Argument>('a', 'b', '', 0, NaN, undefined, null, true, shared, { one: 1 });

test('a table finds what was added last under equal arguments, and nothing that was removed', () => {
  for (const length of [0, 1, 2, 3]) {
    const change = fc.record({
      args: fc.array(argument, { minLength: length, maxLength: length }),
      entry: fc.option(fc.nat()),
    });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
        const table = makeArgumentTable<{ readonly entry: number }>();
        const model: { readonly args: readonly Argument[]; readonly entry: { readonly entry: number } }[] = [];
        const isEqual = (one: readonly Argument[], other: readonly Argument[]): boolean =>
          one.every((value, position) => Object.is(value, other[position]));
        for (const { args, entry } of changes) {
          const place = model.findIndex((row) => isEqual(row.args, args));
          if (place >= 0) model.splice(place, 1);
          if (entry === null) table.remove(args);
          else {
            const added = { entry };
            table.add(args, added);
            model.push({ args, entry: added });
          }
          for (const row of changes) {
            const expected = model.find(({ args: known }) => isEqual(known, row.args))?.entry;
            assert.equal(table.find(row.args), expected);
          }
        }
      }),
    );
  }
});

test('a vertex knows each of its readers once, however many come and go', () => {
  const derivation = {
    name: 'reader',
    compute: () => undefined,
    equals: Object.is,
    counters: { recomputed: 0, kept: 0 },
    forget: () => undefined,
  };
  const readers = Array.from({ length: 12 }, (_, number) => makeComputation(derivation, [number]));
  const change = fc.record({ reader: fc.constantFrom(...readers), comes: fc.boolean() });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 80 }), (changes) => {
      const cell = makeCell();
      const model = new Set<Computation>();
      for (const { reader, comes } of changes) {
        if (comes) {
          addReader(cell, reader);
          model.add(reader);
        } else {
          removeReader(cell, reader);
          model.delete(reader);
        }
        const known = [...readersOf(cell)];
        assert.equal(known.length, model.size);
        assert.deepEqual(new Set(known), model);
        assert.equal(cell.readers === undefined, model.size === 0);
      }
    }),
  );
});
