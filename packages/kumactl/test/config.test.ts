// `kumactl config`: the file with the control planes, and what is tried before one is added.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type ControlPlaneStub, openControlPlaneStub } from './control-plane-stub.ts';
import { run } from './terminal.ts';

let stub: ControlPlaneStub;
before(async () => {
  stub = await openControlPlaneStub(({ url }) => (url === '/' ? { body: { product: 'Ursa', version: '1' } } : {}));
});
after(() => stub.close());

/** Runs with a file of its own. */
function runWith(file: string, ...args: string[]) {
  return run(['--config-file', join(stub.folder, file), 'config', ...args]);
}

test('a control plane that answers is added, listed, and in use', async () => {
  const added = await runWith('new', 'control-planes', 'add', '--name', 'east', '--address', stub.url);
  assert.deepEqual(added, {
    code: 0,
    stdout: 'added Control Plane "east"\nswitched active Control Plane to "east"\n',
    stderr: '',
  });
  const { stdout } = await runWith('new', 'control-planes', 'list');
  assert.equal(stdout, `ACTIVE   NAME   ADDRESS\n*        east   ${stub.url}\n`);
  assert.equal(statSync(join(stub.folder, 'new')).mode & 0o777, 0o600);
});

test('without a file there is a control plane on this host', async () => {
  const { stdout } = await run(['config', 'view'], { home: stub.folder });
  assert.equal(stdout, '{}\n');
});

test('switching and removing say what is in use afterwards', async () => {
  const add = (name: string) =>
    runWith('two', 'control-planes', 'add', '--name', name, '--address', stub.url, '--skip-check');
  await add('east');
  await add('west');
  const switched = await runWith('two', 'control-planes', 'switch', '--name', 'east');
  assert.equal(switched.stdout, 'switched active Control Plane to "east"\n');
  const removed = await runWith('two', 'control-planes', 'remove', '--name', 'east');
  assert.equal(removed.stdout, 'removed Control Plane "east"\nswitched active Control Plane to "west"\n');
});

test('the token and the headers are kept for requests', async () => {
  const add = ['control-planes', 'add', '--name', 'east', '--address', stub.url];
  const credentials = ['--auth-type', 'tokens', '--auth-conf', 'token=a=b', '--headers', 'x-team=a'];
  assert.equal((await runWith('token', ...add, ...credentials)).code, 0);
  assert.equal(stub.requests.at(-1)?.headers.authorization, 'Bearer a=b');
  assert.equal(stub.requests.at(-1)?.headers['x-team'], 'a');
  assert.match(readFileSync(join(stub.folder, 'token'), 'utf8'), /token: a=b/);
});

test('a token in a file is read for each command, and is not kept', async () => {
  const file = join(stub.folder, 'admin.token');
  writeFileSync(file, 'first\n');
  const add = ['control-planes', 'add', '--name', 'east', '--address', stub.url];
  const credentials = ['--auth-type', 'tokens', '--auth-conf', `tokenFile=${file}`];
  assert.equal((await runWith('token-file', ...add, ...credentials)).code, 0);
  assert.equal(stub.requests.at(-1)?.headers.authorization, 'Bearer first');
  assert.doesNotMatch(readFileSync(join(stub.folder, 'token-file'), 'utf8'), /first/);
  writeFileSync(file, 'second\n');
  assert.equal((await runWith('token-file', ...add, '--overwrite', ...credentials)).code, 0);
  assert.equal(stub.requests.at(-1)?.headers.authorization, 'Bearer second');
  rmSync(file);
  const gone = await runWith('token-file', ...add, '--overwrite', ...credentials);
  assert.match(gone.stderr, /--auth-conf tokenFile: cannot read/);
});

const add = ['control-planes', 'add', '--name', 'x'];
const refused: readonly [args: readonly string[], code: number, error: RegExp][] = [
  [[...add], 2, /'--address <url>' not specified/],
  [
    [...add, '--address', 'localhost:5681'],
    1,
    /--address: expected a URL such as http:\/\/localhost:5681, got "localhost:5681"/,
  ],
  [[...add, '--address', 'http://127.0.0.1:1'], 1, /nothing listens there/],
  [[...add, '--address', 'http://x', '--auth-type', 'basic'], 2, /Allowed choices are tokens/],
  [[...add, '--address', 'http://x', '--auth-type', 'tokens'], 1, /needs one of token=… and tokenFile=…/],
  [[...add, '--address', 'http://x', '--auth-conf', 'token=x'], 1, /--auth-conf goes with --auth-type/],
  [
    [...add, '--address', 'http://x', '--client-key-file', 'k'],
    1,
    /--client-cert-file and --client-key-file go together/,
  ],
  [['control-planes', 'switch', '--name', 'none'], 1, /no Control Plane with name "none"/],
  [['control-planes', 'remove', '--name', 'none'], 1, /no Control Plane with name "none"/],
  [['control-plane', 'list'], 2, /unknown command 'control-plane'\n\(Did you mean control-planes\?\)/],
];

for (const [args, code, error] of refused) {
  test(`"config ${args.join(' ')}" is refused in plain words`, async () => {
    writeFileSync(join(stub.folder, 'empty'), '');
    const result = await runWith('empty', ...args);
    assert.deepEqual({ code: result.code, stdout: result.stdout }, { code, stdout: '' });
    assert.match(result.stderr, error);
    assert.equal(readFileSync(join(stub.folder, 'empty'), 'utf8'), '');
  });
}

test('a token that was given in the wrong form is not shown', async () => {
  const { code, stderr } = await runWith(
    'secret',
    ...add,
    '--address',
    stub.url,
    '--auth-type',
    'tokens',
    '--auth-conf',
    'hunter2',
  );
  assert.equal(code, 1);
  assert.match(stderr, /--auth-conf: expected key=value/);
  assert.ok(!stderr.includes('hunter2'));
});

test('a server that is no control plane is not added', async () => {
  const other = await openControlPlaneStub(() => ({ body: { hello: 'world' } }));
  try {
    const { stderr } = await runWith('other', ...add, '--address', other.url);
    assert.match(stderr, /is not a control plane's REST API/);
    assert.ok(!existsSync(join(stub.folder, 'other')));
  } finally {
    await other.close();
  }
});

test('a name that is taken is only replaced when asked', async () => {
  const again = [...add, '--address', stub.url];
  await runWith('taken', ...again);
  const { code, stderr } = await runWith('taken', ...again);
  assert.equal(code, 1);
  assert.match(stderr, /"x" already exists\. Use --overwrite/);
  assert.equal((await runWith('taken', ...again, '--overwrite')).code, 0);
});

test('--no-config writes nothing and says so', async () => {
  const { code, stderr } = await run(['--no-config', 'config', ...add, '--address', stub.url], { home: stub.folder });
  assert.equal(code, 1);
  assert.match(stderr, /--no-config: the configuration file is not written/);
});

test('a file named by --config-file has to be there, and its errors show no secrets', async () => {
  assert.match((await runWith('missing', 'view')).stderr, /--config-file: .*missing does not exist/);
  writeFileSync(join(stub.folder, 'broken'), 'controlPlanes:\n- token: hunter2: [\n');
  const { stderr } = await runWith('broken', 'view');
  assert.match(stderr, /broken: line 2 is not valid YAML/);
  assert.ok(!stderr.includes('hunter2'));
});
