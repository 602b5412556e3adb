// MeshIdentities on their way into use: their CA, their MeshTrust, their status, and the announcement before the first proxy has one.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { MeshIdentityStatus, MeshTrustSpec } from '@ursa/resources';
import { issueIntermediate } from '../../../../e2e/harness/intermediate-authority.ts';
import { meshIdentities } from '../../src/generators/mesh-identities.ts';
import {
  createBuiltinAuthority,
  createControlPlaneAuthority,
} from '../../src/identity/authorities/builtin-authority.ts';
import { identitySecrets } from '../../src/identity/identity-secrets.ts';
import { vouches } from '../../src/identity/mesh-identities/identity-authorities.ts';
import { validateTrust } from '../../src/identity/mesh-identities/validate-trusts.ts';
import { generateSigningKey } from '../../src/identity/tokens/signing-key.ts';
import { base64, type Draft, manualClock, openLiveStore } from './live-store.ts';

const start = Date.parse('2026-11-23T12:00:00Z');
const place = { zone: 'east', environment: 'universal' } as const;
const data = await generateSigningKey();
const own: readonly Draft[] = [
  { type: 'Mesh', name: 'default', spec: {} },
  { type: 'GlobalSecret', name: 'user-token-signing-key-1', spec: { data } },
  { type: 'GlobalSecret', name: 'zone-token-signing-key-1', spec: { data } },
  { type: 'Secret', mesh: 'default', name: 'dataplane-token-signing-key-default-1', spec: { data } },
];
const pair = await createBuiltinAuthority('default.east.mesh.local', undefined, start);
const other = await createBuiltinAuthority('default.east.mesh.local', undefined, start);

const identity = (bundled: object, name = 'identity'): Draft => ({
  type: 'MeshIdentity',
  mesh: 'default',
  name,
  labels: { 'kuma.io/zone': 'east' },
  spec: {
    selector: { dataplane: { matchLabels: {} } },
    provider: { type: 'Bundled', bundled: { insecureAllowSelfSigned: true, ...bundled } },
  },
});
const made = { autogenerate: { enabled: true } };
const inline = (content: string) => ({ type: 'InsecureInline', insecureInline: { value: content } });
const given = (certificate: object, privateKey: object) => ({ ca: { certificate, privateKey } });

async function open(context: TestContext, ...resources: readonly Draft[]) {
  const store = await openLiveStore(...own, ...resources);
  const { live } = store;
  const clock = manualClock(start);
  const announcements: string[] = [];
  let release: () => void = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const onFailure = (error: unknown) => assert.fail(String(error));
  const secrets = identitySecrets({
    ...{ live, store: store.store, clock, place, bootstrapAdminToken: false },
    onFailure: (_what, error) => onFailure(error),
  });
  const component = meshIdentities({
    ...{ live, store: store.store, clock, place, onFailure },
    announce(mesh) {
      announcements.push(mesh);
      return held;
    },
  });
  await secrets.start();
  await component.start();
  context.after(async () => {
    release();
    await component.stop();
    await secrets.stop();
  });
  const status = (name = 'identity') =>
    (live.get({ type: 'MeshIdentity', mesh: 'default', name })?.status as MeshIdentityStatus | undefined)?.conditions;
  const said = (type: string, name?: string) => status(name)?.find((condition) => condition.type === type);
  const trust = (name = 'identity') =>
    live.get({ type: 'MeshTrust', mesh: 'default', name })?.spec as MeshTrustSpec | undefined;
  /** Waits for a condition of a status, at most two seconds. */
  const until = async (type: string, wanted: 'True' | 'False', name?: string): Promise<string> => {
    const end = performance.now() + 2000;
    for (;;) {
      const found = said(type, name);
      if (found?.status === wanted) return found.message ?? '';
      assert.ok(performance.now() < end, `${type} is not ${wanted}: ${JSON.stringify(status(name))}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  return { ...store, clock, announcements, release, said, until, trust };
}

test('a CA is made, the mesh trusts it, all proxies hear of it, and then the identity is ready', async (context) => {
  const run = await open(context, identity(made));
  await run.until('MeshTrustCreated', 'True');
  assert.equal(run.trust()?.trustDomain, 'default.east.mesh.local');
  assert.match(run.trust()?.caBundles[0]?.pem?.value ?? '', /BEGIN CERTIFICATE/);
  const waiting = await run.until('Ready', 'False');
  assert.equal(waiting, 'waiting until the connected proxies of the mesh trust it');
  assert.deepEqual(run.announcements, ['default']);
  run.release();
  await run.until('Ready', 'True');
});

test('an identity that is ready stays so when its CA gets lost: proxies must not fall back to plain text', async (context) => {
  const run = await open(context, identity(made));
  run.release();
  await run.until('Ready', 'True');
  const broken = identity(given({ type: 'Secret', secretRef: { name: 'gone' } }, inline(pair.privateKey)));
  const stored = run.live.get({ type: 'MeshIdentity', mesh: 'default', name: 'identity' });
  await run.put({ ...broken, status: stored?.status });
  const message = await run.until('Provider', 'False');
  assert.match(message, /spec\.provider\.bundled\.ca\.certificate: the Secret "gone" of the mesh does not exist/);
  assert.equal(run.said('Ready')?.status, 'True');
});

test('a CA that is given can be in a Secret, a file, the environment or the resource', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'ursa-identity-'));
  context.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'ca.pem'), pair.certificate);
  process.env.URSA_TEST_IDENTITY_KEY = pair.privateKey;
  context.after(() => {
    delete process.env.URSA_TEST_IDENTITY_KEY;
  });
  const secret: Draft = { type: 'Secret', mesh: 'default', name: 'ca', spec: { data: base64(pair.certificate) } };
  const file = { type: 'File', file: { path: join(folder, 'ca.pem') } };
  const env = { type: 'EnvVar', envVar: { name: 'URSA_TEST_IDENTITY_KEY' } };
  const bySecret = { type: 'Secret', secretRef: { kind: 'Secret', name: 'ca' } };
  const run = await open(
    context,
    secret,
    identity(given(file, env), 'by-file'),
    identity(given(bySecret, inline(pair.privateKey)), 'by-secret'),
    identity(given(inline(pair.certificate), { type: 'File', file: { path: join(folder, 'none') } }), 'without-key'),
    identity(given(inline(pair.certificate), inline(other.privateKey)), 'wrong-key'),
  );
  await run.until('MeshTrustCreated', 'True', 'by-file');
  await run.until('MeshTrustCreated', 'True', 'by-secret');
  assert.match(
    await run.until('Provider', 'False', 'without-key'),
    /^spec\.provider\.bundled\.ca\.privateKey: the file .*none of the control plane's machine does not exist or cannot be read$/,
  );
  assert.match(await run.until('Provider', 'False', 'wrong-key'), /the private key is not the key of the certificate/);
  assert.equal(run.said('Ready', 'wrong-key')?.status, 'False');
});

test('a CA that signed its own certificate is used only when that is allowed', async (context) => {
  const run = await open(context, identity({ ...made, insecureAllowSelfSigned: false }));
  assert.match(await run.until('Provider', 'False'), /expected|insecureAllowSelfSigned|does not exist/);
  const end = performance.now() + 2000;
  while (!run.said('Provider')?.message?.includes('insecureAllowSelfSigned')) {
    assert.ok(performance.now() < end, JSON.stringify(run.said('Provider')));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.equal(run.trust(), undefined);
});

test('another CA is trusted beside the former one, which may have signed what is in use', async (context) => {
  const run = await open(context, identity(given(inline(pair.certificate), inline(pair.privateKey))));
  await run.until('MeshTrustCreated', 'True');
  const stored = run.live.get({ type: 'MeshIdentity', mesh: 'default', name: 'identity' });
  await run.put({ ...identity(given(inline(other.certificate), inline(other.privateKey))), status: stored?.status });
  const end = performance.now() + 2000;
  while (run.trust()?.caBundles.length !== 2) {
    assert.ok(performance.now() < end, 'the second CA is not there');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const values = run.trust()?.caBundles.map(({ pem }) => pem?.value);
  assert.deepEqual(values, [pair.certificate, other.certificate]);
});

test('without MeshTrusts of its own an identity waits for one that somebody writes', async (context) => {
  const bundled = { ...given(inline(pair.certificate), inline(pair.privateKey)), meshTrustCreation: 'Disabled' };
  const run = await open(context, identity(bundled));
  run.release();
  assert.match(await run.until('Ready', 'False'), /no MeshTrust has the CA of this identity for the trust domain/);
  const spec = {
    trustDomain: 'default.east.mesh.local',
    caBundles: [{ type: 'Pem', pem: { value: pair.certificate } }],
  };
  await run.put({ type: 'MeshTrust', mesh: 'default', name: 'ours', spec });
  await run.until('Ready', 'True');
});

test('providers that nobody knows are named in the status', async (context) => {
  const extension = { type: 'Extension', extension: { name: 'vault' } };
  const run = await open(
    context,
    { ...identity({}), name: 'none', spec: {} },
    { ...identity({}), name: 'extension', spec: { provider: extension } },
  );
  assert.match(await run.until('Provider', 'False', 'none'), /^spec\.provider: expected Bundled or Spire/);
  assert.match(
    await run.until('Provider', 'False', 'extension'),
    /there is no extension "vault": use Bundled .*acmpca/,
  );
  assert.match(await run.until('Ready', 'False', 'extension'), /there is no extension "vault"/);
});

test('a root above the CA vouches for it, another one does not', async () => {
  const root = await createControlPlaneAuthority('root', Date.now());
  const other = await createControlPlaneAuthority('root', Date.now());
  const issuing = await issueIntermediate(root, 'issuing');
  const trust = (...pems: readonly string[]) => ({
    caBundles: pems.map((value) => ({ type: 'Pem' as const, pem: { value } })),
  });
  assert.ok(vouches(trust(other.certificate, root.certificate), issuing.certificate));
  assert.ok(vouches(trust(issuing.certificate), issuing.certificate));
  assert.ok(!vouches(trust(other.certificate), issuing.certificate));
  assert.ok(!vouches(trust('-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----'), issuing.certificate));
});

test('certificates of a MeshTrust must be readable, and those of CAs', () => {
  const said = (value: string) =>
    validateTrust({ trustDomain: 'example', caBundles: [{ type: 'Pem', pem: { value } }] });
  assert.deepEqual(said(pair.certificate), []);
  const [broken] = said('-----BEGIN CERTIFICATE-----\nbm90IGEgY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----\n');
  assert.equal(broken?.field, 'spec.caBundles[0].pem.value');
  assert.match(broken?.message ?? '', /certificate 1 cannot be read/);
});
