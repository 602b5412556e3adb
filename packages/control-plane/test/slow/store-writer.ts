// A process that writes to an embedded store as fast as it can and prints each write once it is acknowledged. The kill test ends it at any moment.
import { openEmbeddedStore } from '../../src/store/embedded-store.ts';
import type { StoreWrite } from '../../src/store/store.ts';

const [file = '', start = '0'] = process.argv.slice(2);
const store = openEmbeddedStore(file);
let next = Number(start);

/** Every write is a pair that must stand or fall together, a counter that always moves, and sometimes a deletion. */
function writesOf(number: number): readonly StoreWrite[] {
  const resource = (name: string, content: unknown): StoreWrite => ({
    kind: 'put',
    resource: { type: 'MeshTimeout', mesh: 'default', name, labels: {}, spec: { content } },
  });
  const filler = 'x'.repeat(number % 3000);
  const writes = [
    resource(`left-${number % 50}`, { number, filler }),
    resource(`right-${number % 50}`, { number, filler }),
  ];
  return [...writes, resource('counter', number)];
}

async function writeOn(): Promise<void> {
  for (;;) {
    const number = next;
    next += 1;
    const { revision } = await store.write(writesOf(number));
    process.stdout.write(`${number} ${revision}\n`);
  }
}

// Several writers at a time, so that commits of a group are cut off too.
await Promise.all(Array.from({ length: 8 }, writeOn));
