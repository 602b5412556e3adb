// Kinds of tokens that are signed elsewhere only: whoever asks for one is told where the switch is and what to do instead, also for a join code.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tokenSettings } from '../../src/compose-identity.ts';
import { defaultSettings } from '../../src/config/load-settings.ts';
import { systemClock } from '../../src/identity/clock.ts';
import { openJoinCodes } from '../../src/identity/joining/join-codes.ts';
import { generateSigningKey } from '../../src/identity/tokens/signing-key.ts';
import { openTokens } from '../../src/identity/tokens/tokens.ts';
import { aloneZone, openApiFixture } from './api-fixture.ts';
import { openWithMeshes } from './documents.ts';

const key = await generateSigningKey();
const requests = {
  dataplane: { mesh: 'default', name: 'web-1' },
  zone: { zone: 'east', scope: ['egress'], validFor: '1h' },
  user: { name: 'jane', validFor: '1h' },
} as const;
const switches = {
  dataplane: 'dpServer.authn.dpProxy.dpToken',
  zone: 'dpServer.authn.zoneProxy.zoneToken',
  user: 'apiServer.authn.tokens',
} as const;

/** An API whose tokens are those of settings. */
async function openWith(settings: Readonly<Record<string, unknown>>) {
  const inner = openApiFixture();
  const { live, store, manager, types } = inner;
  const tokens = openTokens(live, await tokenSettings(defaultSettings(settings)));
  const codes = openJoinCodes({ live, store, tokens, clock: systemClock, observe: () => undefined });
  const reachableAs = { authority: () => 'ab'.repeat(32), addresses: async () => ['https://192.0.2.1:5678'] };
  await openWithMeshes(inner, 'default');
  const names = [
    { type: 'GlobalSecret', mesh: '', name: 'user-token-signing-key-1' },
    { type: 'GlobalSecret', mesh: '', name: 'zone-token-signing-key-1' },
    { type: 'Secret', mesh: 'default', name: 'dataplane-token-signing-key-default-1' },
  ];
  await store.write(names.map((name) => ({ kind: 'put', resource: { ...name, labels: {}, spec: { data: key } } })));
  return openApiFixture({}, aloneZone, { types, live, manager, tokens, joining: { codes, reachableAs } });
}

for (const kind of ['dataplane', 'zone', 'user'] as const) {
  test(`${kind} tokens are issued until that is switched off, which says what to do instead`, async () => {
    const { ask } = await openWith({ [`${switches[kind]}.enableIssuer`]: false });
    for (const each of ['dataplane', 'zone', 'user'] as const) {
      const { status, text, body } = await ask('POST', `/tokens/${each}`, requests[each]);
      if (each !== kind) {
        assert.equal(status, 200, text);
        continue;
      }
      assert.equal(status, 400);
      assert.match(
        body.detail,
        new RegExp(`^issuing ${kind} tokens is switched off \\(${switches[kind]}.enableIssuer\\)`),
      );
      assert.match(body.detail, new RegExp(`kumactl generate ${kind}-token --signing-key-path FILE --kid SERIAL`));
      assert.ok(body.detail.includes(`${switches[kind]}.validator.publicKeys`));
    }
    const code = await ask('POST', '/tokens/join-code', {});
    assert.equal(code.status, kind === 'dataplane' ? 400 : 200, 'a code is exchanged for a data plane token');
  });
}

test('who may not have a token is told that, not which switch is off', async () => {
  const { ask } = await openWith({ [`${switches.user}.enableIssuer`]: false });
  const { status } = await ask('POST', '/tokens/user', requests.user, { 'x-forwarded-for': '192.0.2.1' });
  assert.equal(status, 403);
});
