// Which tokens are good for which proxies of a zone.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MeshError } from '@ursa/resources';
import { defaultSettings } from '../../src/config/load-settings.ts';
import type { Tokens, ZoneTokenClaims } from '../../src/identity/access.ts';
import { openProxyAuthentication } from '../../src/xds/proxy-authentication.ts';

const ingress = { mesh: '', name: 'zi', proxyType: 'ingress' } as const;

function authenticationFor(
  claims: Pick<ZoneTokenClaims, 'Zone' | 'Scope'>,
  settings: Readonly<Record<string, unknown>> = {},
) {
  const tokens = {
    verifyZone: async () => ({ ...claims, jti: '1', exp: 4_000_000_000 }),
    watch: () => ({ stop: () => undefined }),
  } as unknown as Tokens;
  return openProxyAuthentication(defaultSettings(settings), tokens);
}

test('a zone token is good for the proxies in its scope, in its zone', async () => {
  await authenticationFor({ Zone: 'default', Scope: ['ingress'] }).verify(ingress, 'token');
  await authenticationFor({ Zone: '', Scope: ['ingress', 'egress'] }).verify(ingress, 'token');
});

for (const [what, claims, reason] of [
  [
    'of another zone',
    { Zone: 'east', Scope: ['ingress'] },
    /the zone of the proxy is "default", but its token is for "east"/,
  ],
  [
    'for egresses',
    { Zone: 'default', Scope: ['egress'] },
    /the token is for egress, not for ingress; generate one with --scope ingress/,
  ],
  ['for nothing', { Zone: 'default', Scope: [] }, /for nothing/],
] as const) {
  test(`a zone token ${what} is refused for an ingress`, async () => {
    await assert.rejects(authenticationFor(claims).verify(ingress, 'token'), (error) => {
      assert.ok(error instanceof MeshError);
      assert.equal(error.code, 'forbidden');
      assert.match(error.message, reason);
      return true;
    });
  });
}

test('without a token a proxy is told which one it needs', async () => {
  const authentication = authenticationFor({ Zone: 'default', Scope: ['ingress'] });
  await assert.rejects(authentication.verify(ingress, undefined), /kumactl generate zone-token/);
  await assert.rejects(
    authentication.verify({ ...ingress, proxyType: 'dataplane' }, ''),
    /kumactl generate dataplane-token/,
  );
});

test('a token for a workload is good for Dataplanes with the label of that workload only', async () => {
  const tokens = {
    verifyDataplane: async () => ({ Mesh: 'default', Workload: 'pay', jti: '1', exp: 4_000_000_000 }),
    watch: () => ({ stop: () => undefined }),
  } as unknown as Tokens;
  const authentication = openProxyAuthentication(defaultSettings({}), tokens);
  const proven = await authentication.verify({ mesh: 'default', name: 'web', proxyType: 'dataplane' }, 'token');
  const labelled = (workload?: string) => ({
    labels: workload === undefined ? {} : { 'kuma.io/workload': workload },
    spec: { networking: {} },
  });
  proven.check(labelled('pay'));
  assert.throws(
    () => proven.check(labelled('bill')),
    /the workload of the proxy is "bill", but its token is for "pay"/,
  );
  assert.throws(
    () => proven.check(labelled()),
    /no label "kuma.io\/workload", which its token demands: expected "pay"/,
  );
});

test('nobody needs a token where the settings say so, kind by kind', async () => {
  const authentication = authenticationFor({ Zone: 'x', Scope: [] }, { 'dpServer.authn.zoneProxy.type': 'none' });
  await authentication.verify(ingress, undefined);
  await assert.rejects(authentication.verify({ ...ingress, proxyType: 'dataplane' }, undefined), /token is required/);
});
