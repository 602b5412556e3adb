import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { createGraph } from '@ursa/collections';
import type { IssuedIdentity } from '@ursa/engine';
import { MeshError } from '@ursa/resources';
import { createBuiltinAuthority } from '../../src/identity/authorities/builtin-authority.ts';
import { openLocalAuthority } from '../../src/identity/authorities/local-authority.ts';
import { certificateWatchdog } from '../../src/identity/certificate-watchdog.ts';
import { manualClock } from './live-store.ts';

const start = Date.parse('2026-11-23T12:00:00Z');
const minute = 60_000;
const day = 24 * 60 * minute;
const authority = openLocalAuthority(await createBuiltinAuthority('default', undefined, start));

async function issue(issuedAt = start): Promise<IssuedIdentity> {
  const request = {
    names: { uris: ['spiffe://default/web'] },
    usages: ['serverAuth'] as const,
    lifetime: day,
    issuedAt,
  };
  const leaf = await authority.issue(request, AbortSignal.timeout(10_000));
  const { certificate: certificateChain, privateKey, notAfter } = leaf;
  return { certificateChain, privateKey, backend: 'ca-1', notAfter: new Date(notAfter).toISOString() };
}

/** As Envoy says it. */
function shown({ certificateChain }: IssuedIdentity): object {
  const { serialNumber, validTo } = new X509Certificate(certificateChain);
  const names = [{ uri: 'spiffe://default/web' }];
  const certificate = { serial_number: serialNumber.toLowerCase(), expiration_time: new Date(validTo).toISOString() };
  return { cert_chain: [{ ...certificate, subject_alt_names: names }] };
}

/** A watchdog over Envoys that show what the test says. */
async function setUp(context: TestContext) {
  const clock = manualClock(start);
  const graph = createGraph();
  const identities = graph.source<IssuedIdentity>('identities');
  const certificates = new Map<string, readonly object[]>();
  const asked: string[] = [];
  const renewed: string[] = [];
  const looks: string[] = [];
  const watchdog = certificateWatchdog({
    graph,
    clock,
    identities,
    envoyAdmin: {
      async ask({ proxyType, mesh, name }, path) {
        asked.push(`${proxyType} ${mesh}/${name} ${path}`);
        const found = certificates.get(name);
        if (found === undefined) throw new MeshError('unavailable', 'it has no admin port');
        return JSON.stringify({ certificates: found });
      },
    },
    renew: (key) => renewed.push(key),
    onLook: (key, finding) => looks.push(`${key} ${finding?.reason ?? 'well'}`),
  });
  await watchdog.start();
  context.after(() => watchdog.stop());
  const moveTo = async (time: number) => {
    clock.moveTo(time);
    for (let count = 0; count < 20; count += 1) await turn();
  };
  return { clock, identities, certificates, asked, renewed, looks, watchdog, moveTo };
}

test('an Envoy that shows what was issued is asked once after it got it, and not before it must have another one', async (context) => {
  const run = await setUp(context);
  const identity = await issue();
  run.identities.set('default/web', identity);
  run.certificates.set('web', [shown(identity)]);
  await run.moveTo(start + 9_999);
  assert.deepEqual(run.asked, []);
  await run.moveTo(start + 10_000);
  assert.deepEqual(run.asked, ['dataplane default/web /certs']);
  await run.moveTo(start + 0.81 * day);
  assert.deepEqual(run.looks, ['default/web well']);
  const next = await issue(start + 0.81 * day);
  run.identities.set('default/web', next);
  run.certificates.set('web', [shown(identity), shown(next)]);
  await run.moveTo(start + 0.82 * day + 10_000);
  assert.deepEqual(
    run.looks,
    ['default/web well', 'default/web well'],
    'the old one beside it is that of a listener which drains',
  );
});

test('one that shows another certificate than was issued is sent a new one, until it shows that', async (context) => {
  const run = await setUp(context);
  const old = await issue();
  run.identities.set('default/web', await issue());
  run.certificates.set('web', [shown(old)]);
  await run.moveTo(start + 10_000);
  assert.deepEqual([run.looks, run.renewed], [['default/web Stale'], ['default/web']]);
  const { message } = run.watchdog.findings().get('default/web') ?? { message: '' };
  const { serialNumber } = new X509Certificate(old.certificateChain);
  assert.ok(message.includes(serialNumber.toLowerCase().replace(/^0+/, '')), message);
  await run.moveTo(start + 10_000 + minute);
  assert.equal(run.renewed.length, 2, 'each time it is looked at');
  const next = await issue();
  run.identities.set('default/web', next);
  run.certificates.set('web', [shown(next)]);
  await run.moveTo(start + 2 * minute);
  assert.equal(run.looks.at(-1), 'default/web well');
  assert.equal(run.watchdog.findings().size, 0);
});

test('a certificate that is not replaced in time is told of, and once more when it has ended; also where Envoy cannot be asked', async (context) => {
  const run = await setUp(context);
  run.identities.set('default/web', await issue());
  await run.moveTo(start + 10_000);
  assert.deepEqual(run.looks, ['default/web well']);
  await run.moveTo(start + 0.82 * day);
  assert.equal(run.looks.at(-1), 'default/web EndsSoon');
  assert.match(run.watchdog.findings().get('default/web')?.message ?? '', /good until .*mTLS backend ca-1/);
  for (let time = start + 0.82 * day; time <= start + day + minute; time += 10 * minute) await run.moveTo(time);
  await run.moveTo(start + day + 2 * minute);
  assert.equal(run.looks.at(-1), 'default/web Ended');
  assert.deepEqual(run.renewed, [], 'who issues them tries again by itself');
  run.identities.delete('default/web');
  assert.equal(run.watchdog.findings().size, 0);
  assert.equal(run.looks.at(-1), 'default/web well', 'its mesh is gone: nothing is wrong with it any more');
});

test('a zone egress is asked for the certificate of each mesh, one without listeners shows nothing', async (context) => {
  const run = await setUp(context);
  run.identities.set('default//egress-1', await issue());
  run.certificates.set('egress-1', []);
  await run.moveTo(start + 10_000);
  assert.deepEqual([run.asked, run.looks], [['egress /egress-1 /certs'], ['default//egress-1 well']]);
  const other = [{ serial_number: '1', subject_alt_names: [{ uri: 'spiffe://other/egress' }] }];
  run.identities.set('default//egress-1', await issue());
  run.certificates.set('egress-1', [{ cert_chain: other }]);
  await run.moveTo(start + 20_000);
  assert.equal(run.looks.length, 2);
  assert.equal(run.looks.at(-1), 'default//egress-1 well', 'the certificate of another mesh says nothing');
});
