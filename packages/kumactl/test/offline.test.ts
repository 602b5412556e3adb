import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parse } from 'yaml';
import { run } from './terminal.ts';

const folder = mkdtempSync(join(tmpdir(), 'ursa-offline-'));
after(() => rmSync(folder, { recursive: true }));

const mesh = `type: Mesh
name: default
mtls: {enabledBackend: ca, backends: [{name: ca, type: builtin}]}
---
type: Dataplane
mesh: default
name: web-1
labels: {app: web}
networking:
  address: 192.0.2.1
  inbound: [{port: 8080, tags: {kuma.io/service: web, kuma.io/protocol: http}}]
  outbound: [{port: 10001, tags: {kuma.io/service: api}}]
---
type: Dataplane
mesh: default
name: api-1
labels: {app: api}
networking:
  address: 192.0.2.2
  inbound: [{port: 8080, tags: {kuma.io/service: api, kuma.io/protocol: http}}]
---
type: MeshTrafficPermission
mesh: default
name: all
spec:
  from:
    - targetRef: {kind: Mesh}
      default: {action: Allow}
---
type: MeshTimeout
mesh: default
name: general
spec:
  to:
    - targetRef: {kind: Mesh}
      default: {connectionTimeout: 3s, http: {requestTimeout: 9s}}
---
type: MeshTimeout
mesh: default
name: narrow
spec:
  targetRef: {kind: Dataplane, labels: {app: web}}
  to:
    - targetRef: {kind: MeshService, name: api}
      default: {http: {requestTimeout: 2s}}
`;
const file = join(folder, 'mesh.yaml');
writeFileSync(file, mesh);

test('lint finds nothing but an older form in a mesh that is right', async () => {
  const { code, stdout, stderr } = await run(['--no-config', 'lint', file]);
  assert.deepEqual([code, stderr], [0, '']);
  assert.match(stdout, /^\S+mesh\.yaml:22:1: note deprecated: .*\n {2}fix: .*\n$/);
});

test('lint names file, line, column, code and fix, and exits with 1', async () => {
  const wrong = join(folder, 'wrong.yaml');
  writeFileSync(
    wrong,
    mesh.replace('{requestTimeout: 2s}', '{requestTimout: 2s}').replace('name: api}\n', 'name: apy}\n'),
  );
  const { code, stdout, stderr } = await run(['--no-config', 'lint', wrong]);
  assert.equal(code, 1);
  assert.match(stdout, /wrong\.yaml:45:\d+: error invalid: .*requestTimeout/);
  assert.match(stdout, /^ {2}fix: /m);
  assert.equal(stderr, 'Error: 1 error\n');
  const json = await run(['--no-config', 'lint', '-o', 'json', wrong]);
  const { findings } = JSON.parse(json.stdout) as { findings: { code: string; place: { line: number } }[] };
  assert.deepEqual(
    findings.map(({ code: name, place }) => [name, place.line]),
    [
      ['deprecated', 22],
      ['invalid', 45],
    ],
  );
});

test('lint takes its places with -f too, as apply, diff and render do', async () => {
  const usage = ['-f', file, '-f', join(folder, 'absent.yaml')];
  const { code, stderr } = await run(['--no-config', 'lint', ...usage]);
  assert.equal(code, 1);
  assert.match(stderr, /absent\.yaml/);
  assert.deepEqual(await run(['--no-config', 'lint', '-f', file]), await run(['--no-config', 'lint', file]));
  const nothing = await run(['--no-config', 'lint']);
  assert.equal(nothing.code, 2);
  assert.match(nothing.stderr, /^error: nothing to judge: name a file/);
});

test('lint of files without a Mesh judges only the documents', async () => {
  const alone = mesh.slice(mesh.indexOf('type: MeshTimeout'));
  const { code } = await run(['--no-config', 'lint', '-'], { input: alone });
  assert.equal(code, 0);
});

test('render prints what the proxy would get', async () => {
  const { stdout } = await run(['--no-config', 'render', '-f', file, '--dataplane', 'web-1', '--type', 'listeners']);
  const { listener } = parse(stdout) as { listener: Record<string, unknown> };
  assert.deepEqual(Object.keys(listener).sort(), ['inbound:192.0.2.1:8080', 'outbound:127.0.0.1:10001']);
  assert.match(JSON.stringify(listener['outbound:127.0.0.1:10001']), /"timeout":"2s"/);
});

test('render names the Dataplanes that there are', async () => {
  const { code, stderr } = await run(['--no-config', 'render', '-f', file, '--dataplane', 'web-2']);
  assert.equal(code, 1);
  assert.match(stderr, /did you mean "web-1"/);
});

test('explain says who decides, who lost and why', async () => {
  const { stdout } = await run(['--no-config', 'explain', 'web -> api', '-f', file, '-o', 'json', '--envoy']);
  const answer = JSON.parse(stdout) as {
    verdict: string;
    policies: { type: string; side: string; effects: string[]; decidedBy: { name: string }[] }[];
    steps: { at: string; policy?: { name: string }; envoy?: { name: string } }[];
  };
  assert.equal(answer.verdict, 'allowed');
  const timeouts = answer.policies.find(({ type, side }) => type === 'MeshTimeout' && side === 'client');
  assert.deepEqual(timeouts?.effects.toSorted(), ['connectionTimeout: "3s"', 'http.requestTimeout: "2s"']);
  assert.deepEqual(
    timeouts?.decidedBy.map(({ name }) => name),
    ['narrow', 'general'],
  );
  assert.deepEqual(
    answer.steps.map(({ at }) => at),
    ['client', 'outbound', 'route', 'cluster', 'inbound', 'permission'],
  );
  assert.equal(answer.steps.find(({ at }) => at === 'outbound')?.envoy?.name, 'outbound:127.0.0.1:10001');
  assert.equal(answer.steps.at(-1)?.policy?.name, 'all');
});

test('explain takes two names, and says what became of an arrow without quotes', async () => {
  const { code, stderr } = await run(['--no-config', 'explain', 'web', '-', '-f', file]);
  assert.equal(code, 1);
  assert.match(stderr, /in quotes/);
});
