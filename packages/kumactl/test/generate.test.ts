// `kumactl generate`: what it asks of the control plane, and what it makes without one.
import assert from 'node:assert/strict';
import { createPublicKey, X509Certificate } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openTokens } from '../../control-plane/src/identity/tokens/tokens.ts';
import { openLiveStore } from '../../control-plane/test/identity/live-store.ts';
import { type ControlPlaneStub, openControlPlaneStub } from './control-plane-stub.ts';

let stub: ControlPlaneStub;
let keyFile = '';
before(async () => {
  stub = await openControlPlaneStub(() => ({ body: 'a.b.c' }));
  keyFile = join(stub.folder, 'signing-key.pem');
  writeFileSync(keyFile, (await stub.run(['generate', 'signing-key', '--format', 'pem'])).stdout);
});
after(() => stub.close());

const online: readonly [args: readonly string[], path: string, body: object][] = [
  [
    ['dataplane-token'],
    '/tokens/dataplane',
    { mesh: 'default', name: '', tags: {}, type: '', workload: '', validFor: '87600h' },
  ],
  [
    ['zone-token', '--zone', 'east', '--scope', 'egress', '--scope', 'ingress', '--valid-for', '1h'],
    '/tokens/zone',
    { zone: 'east', scope: ['egress', 'ingress'], validFor: '1h' },
  ],
  [
    [
      'dataplane-token',
      '--name',
      'web-1',
      '--tag',
      'kuma.io/service=web,api',
      '--proxy-type',
      'dataplane',
      '--workload',
      'web',
      '--valid-for',
      '24h',
      '-m',
      'demo',
    ],
    '/tokens/dataplane',
    {
      mesh: 'demo',
      name: 'web-1',
      tags: { 'kuma.io/service': ['web', 'api'] },
      type: 'dataplane',
      workload: 'web',
      validFor: '24h',
    },
  ],
  [['join-code'], '/tokens/join-code', { mesh: 'default', validFor: '15m', tokenValidFor: '87600h', addresses: [] }],
  [
    ['join-code', '--service', 'web', '--name', 'web-1', '--valid-for', '1h', '--token-valid-for', '720h'].concat([
      '--address',
      'cp.example.com,192.0.2.1:443',
      '-m',
      'demo',
    ]),
    '/tokens/join-code',
    {
      mesh: 'demo',
      service: 'web',
      name: 'web-1',
      validFor: '1h',
      tokenValidFor: '720h',
      addresses: ['cp.example.com', '192.0.2.1:443'],
    },
  ],
  [
    ['user-token', '--name', 'jane', '--group', 'a,b', '--group', 'c', '--valid-for', '1h'],
    '/tokens/user',
    { name: 'jane', groups: ['a', 'b', 'c'], validFor: '1h' },
  ],
  [
    ['zone-token', '--zone', 'east', '--valid-for', '1h'],
    '/tokens/zone',
    { zone: 'east', scope: ['ingress', 'egress'], validFor: '1h' },
  ],
  [
    ['zone-token', '--scope=egress', '--valid-for', '1h'],
    '/tokens/zone',
    { zone: '', scope: ['egress'], validFor: '1h' },
  ],
  [
    ['zone-token', '--zone', 'east', '--scope', 'egress', '--valid-for', '1h'],
    '/tokens/zone',
    { zone: 'east', scope: ['egress'], validFor: '1h' },
  ],
];

for (const [args, path, body] of online) {
  test(`"generate ${args.join(' ')}" asks the control plane`, async () => {
    const { code, stdout } = await stub.run(['generate', ...args]);
    assert.deepEqual({ code, stdout }, { code: 0, stdout: 'a.b.c\n' });
    const request = stub.requests.at(-1);
    assert.deepEqual([request?.method, request?.url, JSON.parse(request?.body ?? '')], ['POST', path, body]);
  });
}

test('the older name of --proxy-type means the same, and who asks for an older token is told of the newer', async () => {
  const { code } = await stub.run(['generate', 'dataplane-token', '--type=ingress']);
  assert.equal(code, 0);
  assert.equal(JSON.parse(stub.requests.at(-1)?.body ?? '').type, 'ingress');
  const refused = await stub.run(['generate', 'zone-ingress-token', '--zone=east', '--valid-for', '1h']);
  assert.equal(refused.code, 1);
  assert.match(
    refused.stderr,
    /^Error: kumactl generate zone-ingress-token: use "kumactl generate zone-token .*--scope ingress/,
  );
});

test('a token that is signed here is verified by the control plane with the public key', async () => {
  const key = (await stub.run(['generate', 'public-key', '--signing-key-path', keyFile])).stdout;
  const { live } = await openLiveStore({ type: 'Mesh', name: 'demo', spec: {} });
  const tokens = openTokens(live, {
    publicKeys: [
      { kind: 'dataplane', kid: 'k1', mesh: 'demo', key },
      { kind: 'zone', kid: 'k1', mesh: '', key },
      { kind: 'user', kid: 'k1', mesh: '', key },
    ],
  });
  const now = Date.now();
  const sign = async (...args: string[]): Promise<string> => {
    const offline = ['--kid', 'k1', '--signing-key-path', keyFile, '--valid-for', '1h', '-m', 'demo'];
    const { code, stdout, stderr } = await stub.run(['generate', ...args, ...offline], { now });
    assert.equal(code, 0, stderr);
    return stdout.trim();
  };
  const sent = stub.requests.length;
  const dataplane = await sign('dataplane-token', '--name', 'web-1', '--tag', 'kuma.io/service=web');
  assert.equal((await tokens.verifyDataplane(dataplane, 'demo')).Name, 'web-1');
  await assert.rejects(tokens.verifyDataplane(dataplane, 'other'));
  assert.equal((await tokens.verifyZone(await sign('zone-token', '--zone', 'east'))).Zone, 'east');
  assert.equal((await tokens.verifyUser(await sign('user-token', '--name', 'jane'))).name, 'jane');
  assert.equal(stub.requests.length, sent);
  tokens.stop();
});

test('a signing key is an RSA key, in base64 unless PEM is asked for, and either form is read', async () => {
  const { stdout } = await stub.run(['generate', 'signing-key']);
  assert.match(Buffer.from(stdout, 'base64').toString(), /^-----BEGIN RSA PRIVATE KEY-----/);
  const file = join(stub.folder, 'signing-key.base64');
  writeFileSync(file, stdout);
  const publicKey = await stub.run(['generate', 'public-key', '--signing-key-path', file]);
  assert.equal(createPublicKey(publicKey.stdout).asymmetricKeyDetails?.modulusLength, 2048);
});

test('a certificate is written with its key, which only its owner can read', async () => {
  const certFile = join(stub.folder, 'cert.pem');
  const certKeyFile = join(stub.folder, 'key.pem');
  writeFileSync(certKeyFile, 'an older key, readable by all', { mode: 0o644 });
  const names = ['cp.example', '127.0.0.1', '2001:db8::1:2', '::'];
  const { code, stdout } = await stub.run(
    [
      'generate',
      'tls-certificate',
      '--type',
      'server',
      '--key-type',
      'ecdsa',
      ...names.flatMap((name) => ['--hostname', name]),
      '--cert-file',
      certFile,
      '--key-file',
      certKeyFile,
    ],
    { now: Date.now() },
  );
  assert.equal(code, 0);
  assert.equal(
    stdout,
    `Certificates generated\nserver cert saved in: ${certFile}\nserver key saved in: ${certKeyFile}\n`,
  );
  const certificate = new X509Certificate(readFileSync(certFile));
  assert.equal(
    certificate.subjectAltName,
    'DNS:cp.example, IP Address:127.0.0.1, IP Address:2001:DB8:0:0:0:0:1:2, IP Address:0:0:0:0:0:0:0:0',
  );
  assert.ok(certificate.verify(certificate.publicKey));
  assert.equal(statSync(certKeyFile).mode & 0o777, 0o600);
});

const refused: readonly [args: readonly string[], code: number, error: RegExp][] = [
  [['user-token', '--name', 'x'], 2, /required option '--valid-for <duration>' not specified/],
  [['dataplane-token', '--valid-for', '1parsec'], 2, /Expected a duration such as 30s or 24h/],
  [['dataplane-token', '--valid-for', '-1h'], 2, /Expected a duration/],
  [['dataplane-token', '--valid-for', '1h', '--tag', 'web'], 2, /Expected key=value/],
  [
    ['dataplane-token', '--valid-for', '1h', '--proxy-type', 'sidecar'],
    2,
    /Allowed choices are dataplane, ingress, egress/,
  ],
  [['dataplane-token', '--valid-for', '1h', '--kid', '1'], 1, /--kid and --signing-key-path go together/],
  [
    ['dataplane-token', '--valid-for', '1h', '--kid', '1', '--signing-key-path', '/none'],
    1,
    /--signing-key-path: cannot read \/none: it does not exist/,
  ],
  [['user-token', '--valid-for', '1h'], 2, /'--name <name>' not specified/],
  [['zone-token', '--zone', 'east', '--scope', 'cp', '--valid-for', '1h'], 2, /Expected ingress, egress or both/],
  [['signing-key', '--format', 'der'], 2, /Allowed choices are pem-base64, pem/],
  [['public-key'], 2, /'--signing-key-path <file>' not specified/],
  [['tls-certificate', '--type', 'server'], 1, /--hostname: a server certificate needs at least one/],
  [['tls-certificate', '--type', 'peer'], 2, /Allowed choices are server, client/],
  [
    ['tls-certificate', '--type', 'client', '--key-file', '/none/key.pem'],
    1,
    /--key-file: cannot write \/none\/key\.pem: it does not exist/,
  ],
  [['token'], 2, /unknown command 'token'/],
];

for (const [args, code, error] of refused) {
  test(`"generate ${args.join(' ')}" is refused in plain words`, async () => {
    const result = await stub.run(['generate', ...args]);
    assert.deepEqual({ code: result.code, stdout: result.stdout }, { code, stdout: '' });
    assert.match(result.stderr, error);
  });
}

test('a file that holds no RSA key is named and not shown', async () => {
  const file = join(stub.folder, 'not-a-key.pem');
  writeFileSync(file, 'top-secret-content');
  const { code, stderr } = await stub.run(['generate', 'public-key', '--signing-key-path', file]);
  assert.equal(code, 1);
  assert.match(stderr, /not-a-key\.pem: expected an RSA private key in PEM, or that in base64/);
  assert.ok(!stderr.includes('top-secret'));
});
