// MeshPassthrough with traffic that is really redirected: in a network namespace of its own, packets of one user go to Envoy, as transparent
// proxying sends them. What lies outside of the mesh are servers at addresses for documentation, on the namespace's loopback.
import assert from 'node:assert/strict';
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createServer as createTcpServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { startProxy } from '../../examples/demo/proxy.ts';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { openWorld, programs } from '../harness/world.ts';

const isRoot = process.getuid?.() === 0;
const hasNft = spawnSync('nft', ['--version']).status === 0;
const inside = process.env.URSA_PASSTHROUGH_NAMESPACE === 'yes';

/** The applications' user: only its packets are redirected. */
const user = '1000';
const outboundPort = 15_001;

if (!isRoot || !hasNft) {
  const reason = `needs ${isRoot ? 'the program nft' : 'root'}`;
  test('passthrough', { skip: reason }, () => {}); // because only root makes network namespaces, and nft redirects in them
} else if (inside) {
  test('a namespace with redirected traffic', story);
} else {
  test('passthrough passes and refuses, in a network namespace', () => {
    const environment: NodeJS.ProcessEnv = { ...process.env, URSA_PASSTHROUGH_NAMESPACE: 'yes' };
    // The inner tests report to us, not to the runner.
    delete environment.NODE_TEST_CONTEXT;
    const { status, stdout, stderr } = spawnSync('unshare', ['--net', process.execPath, import.meta.filename], {
      env: environment,
      encoding: 'utf8',
    });
    assert.equal(status, 0, `${stdout}\n${stderr}`);
  });
}

function run(program: string, ...args: string[]): void {
  execFileSync(program, args, { stdio: 'pipe' });
}

function prepareNetwork(): void {
  run('ip', 'link', 'set', 'lo', 'up');
  for (const address of ['192.0.2.7', '192.0.2.8', '198.51.100.5', '203.0.113.5']) {
    run('ip', 'address', 'add', `${address}/32`, 'dev', 'lo');
  }
  const rule = `meta skuid ${user} ip daddr != 127.0.0.0/8 tcp dport != 0 redirect to :${outboundPort}`;
  const table = `table ip mesh { chain output { type nat hook output priority -100; policy accept; ${rule}; }; }\n`;
  execFileSync('nft', ['-f', '-'], { input: table });
}

/** The exit code of curl as the applications' user, and what it got. Hosts are found without DNS. */
async function call(url: string, address: string): Promise<{ readonly status: string; readonly body: string }> {
  const { hostname, port, protocol } = new URL(url);
  const resolve = `${hostname}:${port === '' ? (protocol === 'https:' ? 443 : 80) : port}:${address}`;
  const curl = ['curl', '-sk', '-m', '5', '--http1.1', '--resolve', resolve, '-w', '\n%{http_code}', url];
  const asUser = ['--reuid', user, '--regid', user, '--clear-groups', ...curl];
  const output = await promisify(execFile)('setpriv', asUser).then(
    ({ stdout }) => stdout,
    ({ stdout }: { stdout: string }) => stdout,
  );
  const lines = output.split('\n');
  return { status: lines.at(-1) ?? '', body: lines.slice(0, -1).join('\n') };
}

async function story(context: TestContext): Promise<void> {
  prepareNetwork();
  const world = await openWorld();
  context.after(() => world.close());
  const { controlPlane, folder } = world;

  const answer = (_: unknown, response: { end(text: string): void }) => response.end('outside');
  const web = createHttpServer(answer);
  const raw = createTcpServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end('HTTP/1.0 200 OK\r\ncontent-length: 7\r\n\r\noutside'));
  });
  run(
    'openssl',
    ...[
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-days',
      '2',
      '-subj',
      '/CN=x',
    ],
    ...['-keyout', `${folder}/tls.key`, '-out', `${folder}/tls.crt`],
  );
  const secure = createTlsServer(
    { key: readFileSync(`${folder}/tls.key`), cert: readFileSync(`${folder}/tls.crt`) },
    answer,
  );
  const servers = [web.listen(80, '0.0.0.0'), secure.listen(443, '0.0.0.0'), raw.listen(9000, '0.0.0.0')];
  context.after(() => {
    for (const server of servers) server.close();
  });

  await controlPlane.apply({
    type: 'Dataplane',
    mesh: 'default',
    name: 'web',
    networking: {
      address: '127.0.0.1',
      inbound: [{ port: 8080, tags: { 'kuma.io/service': 'web', 'kuma.io/protocol': 'http' } }],
      transparentProxying: { redirectPortInbound: 15_006, redirectPortOutbound: outboundPort },
    },
  });
  const proxy = await startProxy({
    command: programs.dataPlane,
    controlPlane,
    folder,
    name: 'web',
    service: 'web',
    known: true,
  });
  context.after(() => proxy.stop());

  const apply = (conf: object) =>
    controlPlane.apply({ type: 'MeshPassthrough', mesh: 'default', name: 'p', spec: { default: conf } });
  const passes = (url: string, address: string) =>
    waitFor(`${url} at ${address} is let through`, async () => (await call(url, address)).body === 'outside');
  const refused = (url: string, address: string) =>
    waitFor(`${url} at ${address} is closed`, async () => (await call(url, address)).status === '000');

  const everything = [
    ['http://any.example', '192.0.2.7'],
    ['https://any.example', '192.0.2.7'],
    ['http://any.example:9000', '203.0.113.5'],
  ] as const;

  await context.test('without a policy the mesh lets everything through', async () => {
    for (const [url, address] of everything) await passes(url, address);
  });

  await context.test('None lets nothing through', async () => {
    await apply({ passthroughMode: 'None' });
    for (const [url, address] of everything) await refused(url, address);
  });

  await context.test('Matched: by host of a request, by server name, by address, by range', async () => {
    await apply({
      passthroughMode: 'Matched',
      appendMatch: [
        { type: 'Domain', value: 'good.example', protocol: 'http', port: 80 },
        { type: 'Domain', value: '*.good.example', protocol: 'tls', port: 443 },
        { type: 'IP', value: '192.0.2.8', protocol: 'tcp', port: 9000 },
        { type: 'CIDR', value: '198.51.100.0/24', protocol: 'tcp', port: 9000 },
      ],
    });
    await passes('http://good.example', '192.0.2.7');
    const other = await call('http://other.example', '192.0.2.7');
    assert.equal(other.status, '503');
    assert.match(other.body, /MeshPassthrough/);
    await passes('https://a.good.example', '192.0.2.7');
    await refused('https://good.example', '192.0.2.7');
    await refused('https://other.example', '192.0.2.7');
    await passes('http://any.example:9000', '192.0.2.8');
    await passes('http://any.example:9000', '198.51.100.5');
    await refused('http://any.example:9000', '203.0.113.5');
  });

  await context.test('All lets everything through again', async () => {
    await apply({ passthroughMode: 'All' });
    for (const [url, address] of everything) await passes(url, address);
  });
}
