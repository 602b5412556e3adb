// A canary is put wherever a secret can be, in a real control plane with a real proxy, and looked for in everything that comes out of it: the
// bundle for a bug report, answers of the API to those who may see little, dumps of Envoy, metrics, errors and logs.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { runKumactl } from '../harness/kumactl.ts';
import { allowAll, answers, meshWith, openWorld, policy } from '../harness/world.ts';

const canary = 'hunter2canary';
const encoded = Buffer.from(`${canary} in bytes`).toString('base64');
const folder = mkdtempSync(join(tmpdir(), 'ursa-canary-'));
const world = await openWorld({
  KUMA_STORE_POSTGRES_PASSWORD: canary,
  KUMA_STORE_POSTGRES_USER: `user-${canary}`,
  KUMA_TRACING_OPENTELEMETRY_ENABLED: 'true',
  OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1',
  OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer ${canary}`,
  SOME_SECRET: canary,
});
after(async () => {
  await world.close();
  rmSync(folder, { recursive: true, force: true });
});
const { controlPlane } = world;
const diagnosticsPort = /"diagnostics":(\d+)/.exec(controlPlane.process().output())?.[1];

execFileSync('openssl', [
  ...[
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-days',
    '30',
    '-subj',
    '/CN=ca',
  ],
  ...['-addext', 'keyUsage=critical,keyCertSign', '-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')],
]);
const key = readFileSync(join(folder, 'key.pem'), 'utf8');
const cert = readFileSync(join(folder, 'cert.pem'), 'utf8');
const keyLine = key.split('\n')[1] ?? '';

const secrets: Record<string, string> = {
  'the canary': canary,
  'the content of a Secret': encoded,
  'a private key in a Mesh': keyLine,
  'the same in base64': Buffer.from(key).toString('base64').slice(40, 100),
};

function assertClean(what: string, text: string): void {
  assert.notEqual(text, '', what);
  for (const [name, secret] of Object.entries(secrets)) {
    const at = text.indexOf(secret);
    assert.equal(at, -1, `${name} is in ${what}: …${text.slice(Math.max(0, at - 200), at + 40)}…`);
  }
}

const jane = { authorization: '' };
const asJane = (path: string, init: RequestInit = {}) =>
  fetch(`${controlPlane.apiUrl}${path}`, { ...init, headers: { ...jane, 'content-type': 'application/json' } });

test('secrets are written everywhere', async () => {
  await controlPlane.apply({ type: 'GlobalSecret', name: 'canary', data: encoded });
  await controlPlane.apply({ type: 'Secret', mesh: 'default', name: 'canary', data: encoded });
  const conf = { cert: { inlineString: cert }, key: { inline: Buffer.from(key).toString('base64') } };
  const backends = [{ name: 'ca', type: 'provided', conf }];
  await controlPlane.apply({ type: 'Mesh', name: 'keys', mtls: { enabledBackend: 'ca', backends } });
  const text = [{ name: 'ca', type: 'provided', conf: { ...conf, key: { inlineString: key } } }];
  await controlPlane.apply({ type: 'Mesh', name: 'texts', mtls: { enabledBackend: 'ca', backends: text } });
  await controlPlane.apply(meshWith('STRICT'));
  await controlPlane.apply(allowAll);
  const headers = { set: [{ name: 'authorization', value: `Bearer ${canary}` }] };
  const rules = [
    {
      matches: [{ path: { type: 'PathPrefix', value: '/' } }],
      default: { filters: [{ type: 'RequestHeaderModifier', requestHeaderModifier: headers }] },
    },
  ];
  const to = [{ targetRef: { kind: 'MeshService', name: 'backend' }, rules }];
  await controlPlane.apply(policy('MeshHTTPRoute', 'with-credentials', { targetRef: { kind: 'Mesh' }, to }));
  await world.start({ service: 'backend' });
  const client = await world.start({ service: 'client', calls: ['backend'] });
  await answers(client.urlOf('backend'), 200);
  secrets['the token of a proxy'] = (await controlPlane.dataplaneToken('default', 'client-2')).split('.')[0] ?? '';
  const body = { name: 'jane', groups: ['team-a'], validFor: '1h' };
  const token = (await controlPlane.request('POST', '/tokens/user', body)).text;
  jane.authorization = `Bearer ${token}`;
  secrets['the token of a user'] = token;
});

test('the bundle has none of them', async () => {
  const file = join(folder, 'bundle.tgz');
  const run = await runKumactl(controlPlane.apiUrl, [
    ...['support-bundle', '-o', file, '--dataplane', 'client-2'],
    ...['--diagnostics-address', `http://127.0.0.1:${diagnosticsPort}`],
  ]);
  assert.equal(run.code, 0, run.output);
  assert.doesNotMatch(run.stdout, /Missing/);
  assertClean('what kumactl prints', run.output);
  const paths = execFileSync('tar', ['-tf', file]).toString().trim().split('\n');
  const parts = ['config-dump.json', 'log.jsonl', 'metrics.txt', 'secrets.json', 'globalsecrets.json', 'config.json'];
  for (const part of parts)
    assert.ok(
      paths.some((path) => path.endsWith(`/${part}`)),
      part,
    );
  for (const path of paths) assertClean(path, `${execFileSync('tar', ['-xOf', file, path])} `);
});

test('those who may see little see none of them', async () => {
  const configFile = join(folder, 'config');
  const apiServer = { url: controlPlane.apiUrl, authType: 'tokens', authConf: { token: jane.authorization.slice(7) } };
  writeFileSync(
    configFile,
    JSON.stringify({
      controlPlanes: [{ name: 'here', coordinates: { apiServer } }],
      contexts: [{ name: 'here', controlPlane: 'here' }],
      currentContext: 'here',
    }),
  );
  for (const args of [
    'get meshes -o yaml',
    'get mesh keys -o yaml',
    'get mesh texts -o json',
    'get secrets',
    'inspect meshes',
  ])
    assertClean(
      args,
      (await runKumactl(controlPlane.apiUrl, [...args.split(' '), '--config-file', configFile])).output,
    );
  for (const path of [
    '/meshes',
    '/meshes/keys?format=kubernetes',
    '/meshes/texts',
    '/config',
    '/_log',
    '/globalsecrets/canary',
    '/meshes/default/secrets',
    '/meshes/default/dataplanes/client-2/xds',
  ])
    assertClean(path, await (await asJane(path)).text());
  assert.equal((await asJane('/_log')).status, 403);
});

test('who may not see a key writes its mesh without losing it', async () => {
  for (const name of ['keys', 'texts']) {
    const shown = (await (await asJane(`/meshes/${name}`)).json()) as Record<string, unknown>;
    const changed = { ...shown, routing: { zoneEgress: true } };
    const written = await asJane(`/meshes/${name}`, { method: 'PUT', body: JSON.stringify(changed) });
    assert.equal(written.status, 200, await written.text());
    const { text } = await controlPlane.request('GET', `/meshes/${name}`);
    assert.match(text, /"zoneEgress": true/);
    assert.ok(text.includes(keyLine) || text.includes(secrets['the same in base64'] ?? '?'), text);
  }
});

test('metrics, settings, errors and logs have none of them', async () => {
  for (const path of ['/metrics', '/ready', '/logging'])
    assertClean(path, await (await fetch(`http://127.0.0.1:${diagnosticsPort}${path}`)).text());
  assertClean('/config', (await controlPlane.request('GET', '/config')).text);
  const bad = { type: 'Secret', mesh: 'default', name: 'bad', data: `${canary} is no base64` };
  const refused = await controlPlane.request('PUT', '/meshes/default/secrets/bad', bad);
  assert.equal(refused.status, 400);
  assertClean('a refusal', refused.text);
  const backends = [
    { name: 'ca', type: 'provided', conf: { cert: { inlineString: cert }, key: { inlineString: canary } } },
  ];
  const mesh = { type: 'Mesh', name: 'broken', mtls: { enabledBackend: 'ca', backends } };
  const broken = await controlPlane.request('PUT', '/meshes/broken', mesh);
  assert.equal(broken.status, 400, broken.text);
  assertClean('another refusal', broken.text);
  assertClean('the log', controlPlane.process().output());
});
