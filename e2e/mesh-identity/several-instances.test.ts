// A MeshIdentity over two control planes that share PostgreSQL: either issues, the CA is made once, and restarts and moves lose no request.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { postgresMissing } from '../harness/several.ts';
import { openStage, patience } from '../harness/several-stage.ts';
import { askAdmin, policy } from '../harness/world.ts';
import { certificatesOf, isReady, meshIdentity } from './identities.ts';

if (postgresMissing !== undefined) test('MeshIdentity over several', { skip: postgresMissing }, () => undefined);
else {
  const { several, one, two, proxies, underLoad, otherThan, counts, allConnected } = await openStage();
  const domain = 'spiffe://default.default.mesh.local';
  // Short enough that it is renewed while the story goes on.
  const bundled = { certificateParameters: { expiry: '60s' } };
  const certificates = async () =>
    await Promise.all(
      proxies.map(async ({ name, workDir }) => {
        const found = await certificatesOf({ admin: (path, method) => askAdmin(workDir, path, method) });
        return { name, found };
      }),
    );
  /** Serial numbers by proxy, once all prove themselves with names under this prefix alone. */
  const serialsUnder = (prefix: string): Promise<ReadonlyMap<string, string>> =>
    waitFor(
      `all proxies have a name under ${prefix}`,
      async () => {
        const all = await certificates();
        const late = all.filter(({ found }) => !found.some(({ uris }) => uris[0]?.startsWith(prefix)));
        if (late.length > 0) throw new Error(late.map(({ name }) => name).join());
        return new Map(
          all.map(({ name, found }) => [
            name,
            found
              .flatMap(({ uris, serial }) => (uris[0]?.startsWith(prefix) ? serial : []))
              .sort()
              .join(),
          ]),
        );
      },
      patience,
    );
  const authorityAt = async (instance: typeof one, name: string): Promise<readonly unknown[]> => {
    const secrets = [`default.ca-identity-cert-${name}`, `default.ca-identity-key-${name}`];
    const answers = secrets.map((secret) => instance.request('GET', `/meshes/default/secrets/${secret}`));
    return (await Promise.all(answers)).map(({ status, json }) => [status, (json as { readonly data?: string }).data]);
  };
  const bundlesOf = async (name: string): Promise<number> => {
    const { json } = await two.request('GET', `/meshes/default/meshtrusts/${name}`);
    return (json as { readonly spec: { readonly caBundles: readonly object[] } }).spec.caBundles.length;
  };
  let authority: readonly unknown[] = [];

  test('both instances issue for their proxies under one CA, and the move loses no request', async () => {
    await waitFor('both have proxies', async () => (await counts()).every((count) => count > 0), patience);
    const names = ['spiffe://default/client', `${domain}/app/client`, `${domain}/moved/client`];
    const allow = names.map((value) => ({ spiffeID: { type: 'Exact', value } }));
    const rules = [{ default: { allow } }];
    await two.apply(policy('MeshTrafficPermission', 'by-identity', { targetRef: { kind: 'Mesh' }, rules }));
    await underLoad(async () => {
      await one.apply(meshIdentity('identity', { bundled }));
      await isReady(two, 'identity');
      await serialsUnder(`${domain}/app/`);
    });
    authority = await authorityAt(one, 'identity');
    assert.deepEqual(
      authority.map((answer) => (answer as readonly unknown[])[0]),
      [200, 200],
    );
    assert.deepEqual(await authorityAt(two, 'identity'), authority);
    assert.equal(await bundlesOf('identity'), 1);
  });

  test('while one is away the other renews for all, and who comes back makes no CA', async () => {
    const leader = await several.leader();
    assert.ok(leader !== undefined);
    await underLoad(async () => {
      const before = await serialsUnder(`${domain}/app/`);
      await leader.stop();
      await waitFor(
        'all certificates are renewed',
        async () => {
          const now = await serialsUnder(`${domain}/app/`);
          return proxies.every(({ name }) => now.get(name) !== before.get(name));
        },
        { within: 180_000, every: 500 },
      );
      await leader.restart();
      await allConnected();
    });
    assert.deepEqual(await authorityAt(otherThan(leader), 'identity'), authority);
    assert.equal(await bundlesOf('identity'), 1);
  });

  test('another MeshIdentity, written at the other instance, moves all without loss', async () => {
    await underLoad(async () => {
      const spiffeID = { path: '/moved/{{ label "app" }}' };
      await two.apply(meshIdentity('first-by-name', { spiffeID, bundled }));
      await isReady(one, 'first-by-name');
      await serialsUnder(`${domain}/moved/`);
      assert.equal((await one.request('DELETE', '/meshes/default/meshidentities/identity')).status, 200);
    });
    assert.deepEqual(await authorityAt(one, 'first-by-name'), await authorityAt(two, 'first-by-name'));
    assert.notDeepEqual(await authorityAt(one, 'first-by-name'), authority);
  });
}
