// Secrets at rest: a secret is in no file of the store, and keys can come, change and go while what is stored stays readable.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Resource } from '@ursa/resources';
import { openLog } from '../../src/log.ts';
import { openEmbeddedStore } from '../../src/store/embedded-store.ts';
import { createSealer } from '../../src/store/sealing/sealer.ts';
import { parseSealingKeys } from '../../src/store/sealing/sealing-keys.ts';
import type { Store } from '../../src/store/store.ts';
import { openedStore } from '../opened.ts';
import { openPostgresServer, postgresMissing } from '../postgres-server.ts';

const canary = Buffer.from('canary-91d2c7a4-of-a-secret').toString('base64');
const later = Buffer.from('canary-5530b1ee-of-a-secret').toString('base64');
const sealer = (...fills: readonly (number | 'plain')[]) =>
  createSealer(
    parseSealingKeys(
      fills.map((fill) => (fill === 'plain' ? fill : Buffer.alloc(32, fill).toString('base64'))).join('\n'),
      'keys',
    ),
  );
const secret = (data: string, name = 's') =>
  ({ kind: 'put', resource: { type: 'Secret', mesh: 'default', name, labels: {}, spec: { data } } }) as const;
const mesh = {
  kind: 'put',
  resource: {
    type: 'Mesh',
    mesh: '',
    name: 'default',
    labels: {},
    spec: { mtls: { backends: [{ name: 'ca', conf: { key: { inline: canary } } }] } },
  },
} as const;

/** Everything in a store; of a secret its data. */
function contentOf(store: Store): Readonly<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  store
    .changes((changes) => {
      for (const { after: resource } of changes as readonly { readonly after: Resource }[])
        found[resource.name] = resource.spec;
    })
    .stop();
  return found;
}

const written = { s: { data: canary }, default: mesh.resource.spec };

/** One kind of store. `dump` is every byte that it keeps. */
interface Kind {
  open(withSealer?: ReturnType<typeof sealer>): Promise<Store>;
  dump(): Promise<string>;
}

/** The life of a store whose keys come, change and go. */
async function liveThrough({ open, dump }: Kind): Promise<void> {
  const isShown = async (text: string) => (await dump()).includes(text);
  let store = await open();
  await store.write([mesh, secret(canary)]);
  await store.close();
  assert.equal(await isShown(canary), true, 'without a key it is there to be read, or this test cannot fail');

  store = await open(sealer(1));
  assert.deepEqual(contentOf(store), written, 'a store from before is read');
  const revision = store.revision();
  assert.equal((await store.write([secret(canary)])).revision, revision, 'the same is no change');
  assert.equal(await isShown(canary), false, 'and sealed at once');
  await store.write([secret(later, 't')]);
  await store.close();
  assert.equal((await isShown(canary)) || (await isShown(later)), false);

  await assert.rejects(async () => open(), /there is no key/);
  await assert.rejects(async () => open(sealer(2)), /none of those in/);

  const firstId = /"key": ?"([\da-f]{16})"/.exec(await dump())?.[1] ?? '';
  assert.notEqual(firstId, '');
  store = await open(sealer(2, 1));
  assert.deepEqual(contentOf(store), { ...written, t: { data: later } });
  await store.close();
  assert.equal(await isShown(firstId), false, 'nothing needs the old key any more');
  store = await open(sealer(2));
  assert.deepEqual(contentOf(store), { ...written, t: { data: later } });
  await store.close();

  store = await open(sealer('plain', 2));
  await store.close();
  store = await open();
  assert.deepEqual(contentOf(store), { ...written, t: { data: later } }, 'the way back');
  await store.close();
}

test('the file of the embedded store', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ursa-sealed-'));
  after(() => rmSync(folder, { recursive: true }));
  await liveThrough({
    open: async (withSealer) =>
      openEmbeddedStore(join(folder, 'store.db'), withSealer === undefined ? {} : { sealer: withSealer }),
    dump: async () =>
      readdirSync(folder)
        .map((name) => readFileSync(join(folder, name), 'latin1'))
        .join('\n'),
  });
});

test('the tables in PostgreSQL', { skip: postgresMissing ?? false }, async () => {
  const server = await openPostgresServer();
  after(() => server.remove());
  const database = await server.createStore();
  const log = openLog('off', { write: () => undefined }).component('store');
  await liveThrough({
    open: (withSealer) =>
      openedStore(server.settings(database), {
        log,
        ...(withSealer === undefined ? {} : { sealer: withSealer }),
      }),
    dump: async () => {
      const rows = await Promise.all(
        ['resources', 'changes'].map((table) => server.query(database, `select * from ursa.${table}`)),
      );
      return JSON.stringify(rows.flat());
    },
  });
});

test('instances with the key follow each other, one without it does not start', {
  skip: postgresMissing ?? false,
}, async () => {
  const server = await openPostgresServer();
  after(() => server.remove());
  const database = await server.createStore();
  const log = openLog('off', { write: () => undefined }).component('store');
  const open = (withSealer: ReturnType<typeof sealer>) =>
    openedStore(server.settings(database), { log, sealer: withSealer });
  const [one, other] = await Promise.all([open(sealer(1)), open(sealer(2, 1))]);
  const seen = new Promise<unknown>((resolve) => {
    other.changes((changes) => {
      for (const { after: resource } of changes) if (resource?.name === 's') resolve(resource.spec);
    });
  });
  await one.write([secret(canary)]);
  assert.deepEqual(await seen, { data: canary });
  await assert.rejects(openedStore(server.settings(database), { log }), /there is no key/);
  await Promise.all([one.close(), other.close()]);
});
