// The bundle for a bug report: one file that any tar reads, without secrets, also of a control plane of which half is broken.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { redactJson, redactLines } from '../src/support/redact-parts.ts';
import { writeTar } from '../src/support/tar.ts';
import { openControlPlaneStub } from './control-plane-stub.ts';
import type { StubRequest } from './terminal.ts';

const canary = 'hunter2canary';

function unpacked(context: TestContext, archive: string): (path: string) => string {
  const folder = mkdtempSync(join(tmpdir(), 'kumactl-bundle-'));
  context.after(() => rmSync(folder, { recursive: true }));
  execFileSync('tar', ['-xf', archive, '-C', folder]);
  const [top = ''] = readdirSync(folder);
  return (path) => readFileSync(join(folder, top, path), 'utf8');
}

test('an archive is read by tar: names, sizes and times, long paths split', (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'kumactl-tar-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const long = `${'a'.repeat(90)}/${'b'.repeat(90)}/file.txt`;
  const files = [
    { path: 'top/empty', content: Buffer.alloc(0) },
    { path: 'top/full', content: Buffer.alloc(512, 'x') },
    { path: long, content: Buffer.from('ünï') },
  ];
  writeFileSync(join(folder, 'x.tar'), writeTar(files, Date.parse('2026-11-28T12:00:00Z')));
  mkdirSync(join(folder, 'out'));
  execFileSync('tar', ['-xf', join(folder, 'x.tar'), '-C', join(folder, 'out')]);
  for (const { path, content } of files) assert.deepEqual(readFileSync(join(folder, 'out', path)), content);
  assert.equal(statSync(join(folder, 'out/top/full')).mtime.toISOString(), '2026-11-28T12:00:00.000Z');
  assert.throws(() => writeTar([{ path: 'a'.repeat(101), content: Buffer.alloc(0) }], 0), /too long/);
});

test('secrets are left out by what they are and by their names', () => {
  const json = {
    data: 'kept',
    token: canary,
    nested: [{ conf: { password: canary, apiKey: canary } }, { name: 'Authorization', value: `Bearer ${canary}` }],
    key: { inlineString: canary },
    patch: `name: x\npassword: ${canary}\nvalue: "Authorization: Bearer ${canary}"\n`,
    url: `postgres://user:${canary}@db/kuma`,
  };
  const text = JSON.stringify(redactJson(json));
  assert.ok(!text.includes(canary), text);
  for (const kept of ['kept', 'name: x', 'Authorization', 'postgres://user:', '@db/kuma'])
    assert.ok(text.includes(kept), kept);
  assert.deepEqual(redactJson({ name: 'a', data: canary }, true), { name: 'a', data: '[redacted]' });
  const line = redactLines(`{"msg":"bad","token":"${canary}","error":{"message":"password=${canary} for x"}}`);
  assert.ok(!line.includes(canary), line);
  assert.deepEqual(Object.keys(JSON.parse(line)), ['msg', 'token', 'error']);
});

const answers: Readonly<Record<string, unknown>> = {
  '/': { product: 'Kuma', version: '1.2.3' },
  '/ready': { ready: false, reasons: { store: 'the disk is full' } },
  '/metrics': 'xds_streams_active 3\n',
  '/config': { store: { type: 'memory' } },
  '/_log': `{"level":"error","msg":"token=${canary}"}\n`,
  '/_resources': {
    resources: [
      { name: 'Mesh', path: 'meshes', scope: 'Global' },
      { name: 'Secret', path: 'secrets', scope: 'Mesh' },
    ],
  },
  '/meshes': { total: 1, items: [{ type: 'Mesh', name: 'default', mtls: { key: { inlineString: canary } } }] },
  '/secrets': { total: 1, items: [{ type: 'Secret', name: 's', data: canary }] },
  '/meshes/default/dataplanes/web-1/stats': 'uptime: 3\n',
};

function answer({ url }: StubRequest) {
  const path = url.replace(/\?.*/, '');
  const body = answers[path];
  if (body === undefined) return { status: 500, body: { title: 'Internal Server Error', detail: `token: ${canary}` } };
  return { status: path === '/ready' ? 503 : 200, body };
}

test('what is there is in the bundle, what is broken is named with the reason, and the command ends well', async (context) => {
  const stub = await openControlPlaneStub(answer);
  context.after(() => stub.close());
  const file = join(stub.folder, 'bundle.tgz');
  const command = ['support-bundle', '-o', file, '--diagnostics-address', stub.url, '--dataplane', 'web-1'];
  const { code, stdout, stderr } = await stub.run(command);
  assert.deepEqual([code, stderr], [0, '']);
  assert.match(stdout, /insights\/global\.json: Internal Server Error/);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const read = unpacked(context, file);
  assert.match(read('README.md'), /\| resources\/meshes\.json \| \d+ bytes \|/);
  assert.match(read('README.md'), /\| dataplanes\/default\/web-1\/clusters\.txt \| missing: Internal Server Error/);
  assert.deepEqual(JSON.parse(read('diagnostics/ready.json')), answers['/ready']);
  assert.equal(read('diagnostics/metrics.txt'), answers['/metrics']);
  assert.equal(read('dataplanes/default/web-1/stats.txt'), 'uptime: 3\n');
  assert.match(read('resources/secrets.json'), /"data": "\[redacted\]"/);
  const everything = execFileSync('tar', ['-xOf', file]).toString();
  assert.ok(!everything.includes(canary) && !stdout.includes(canary));
});

test('of a control plane that is gone there is a bundle too, which says so', async (context) => {
  const stub = await openControlPlaneStub(answer);
  await stub.close();
  const folder = mkdtempSync(join(tmpdir(), 'kumactl-gone-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const { run } = await import('./terminal.ts');
  const configFile = join(folder, 'config');
  const url = stub.url.replace('//', `//user:${canary}@`);
  writeFileSync(
    configFile,
    JSON.stringify({
      controlPlanes: [{ name: 'gone', coordinates: { apiServer: { url } } }],
      contexts: [{ name: 'gone', controlPlane: 'gone' }],
      currentContext: 'gone',
    }),
  );
  const file = join(folder, 'bundle.tgz');
  const command = ['--config-file', configFile, 'support-bundle', '-o', file, '--diagnostics-address', stub.url];
  const { code, stdout } = await run(command);
  assert.equal(code, 0);
  const readme = unpacked(context, file)('README.md');
  assert.match(readme, /control-plane\/index\.json \| missing: could not reach the control plane/);
  assert.ok(!`${readme}${stdout}`.includes(canary));
  const refused = await run(['--config-file', configFile, 'support-bundle', '-o', '/nowhere/x.tgz']);
  assert.deepEqual([refused.code, /--output: cannot write \/nowhere\/x\.tgz/.test(refused.stderr)], [1, true]);
});
