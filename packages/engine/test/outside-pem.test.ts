// Certificates and keys of external services that Envoy could not read: the service has no servers, and says why; everything else is as it was.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ExternalServiceSpec } from '@ursa/resources';
import { realIdentity } from './real-identity.ts';
import { dataplane, mesh, smallMesh } from './small-mesh.ts';
import { createWorld } from './world.ts';

const { certificateChain, privateKey } = await realIdentity();

type Source = NonNullable<NonNullable<NonNullable<ExternalServiceSpec['networking']>['tls']>['caCert']>;

/** What `web` is told of the service, and how many servers it has. */
function clientOf(tls: Readonly<Record<string, Source>>, secret = certificateChain) {
  const world = createWorld();
  for (const document of [...smallMesh(), dataplane('api', 1, 'maps')]) world.apply(document);
  world.apply({ type: 'Secret', mesh, name: 'ca', data: btoa(secret) });
  world.apply({
    type: 'ExternalService',
    mesh,
    name: 'maps',
    tags: { 'kuma.io/service': 'maps', 'kuma.io/protocol': 'http' },
    networking: { address: 'maps.example:443', tls: { enabled: true, ...tls } },
  });
  world.settle();
  const config = world.engine.config.get(world.connect(mesh, 'api-1'));
  assert.ok(config !== undefined);
  const question = { mesh, from: 'api', to: 'maps', method: 'GET', path: '/', headers: {} };
  const told = world.engine.explain(question).problems.map(({ message }) => message);
  return [...config.warnings.map(({ message }) => message), ...told];
}

test('what can be read says nothing', () => {
  const pair = { clientCert: { inlineString: certificateChain }, clientKey: { inline: btoa(privateKey) } };
  assert.deepEqual(
    clientOf({ caCert: { secret: 'ca' }, ...pair }).filter((text) => /caCert|clientCert|clientKey/.test(text)),
    [],
  );
});

for (const [what, tls, secret, expected] of [
  ['text', { caCert: { inlineString: 'ca.pem' } }, undefined, /networking\.tls\.caCert is no PEM/],
  [
    'a certificate that is cut off',
    { caCert: { inlineString: certificateChain.replace(/.{4}\n-----END/, '\n-----END') } },
    undefined,
    /networking\.tls\.caCert has no certificate in part 1 that can be read/,
  ],
  [
    'a Secret',
    { caCert: { secret: 'ca' } },
    'xyz',
    /the Secret ca, to which networking\.tls\.caCert refers, is no PEM/,
  ],
] as const)
  test(`${what} in the place of a certificate is named`, () => {
    const told = clientOf(tls, secret).join('\n');
    assert.match(told, expected);
  });
