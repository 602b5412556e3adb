// Join codes against those who would misuse them: who uses one twice, stands in between, guesses, or reads the logs.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createServer, type TLSSocket } from 'node:tls';
import { findEnvoy } from '@ursa/data-plane';
import { formatJoinCode, parseJoinCode } from '@ursa/resources';
import { type ChildProcess, startProcess } from '../../examples/demo/child-process.ts';
import { freePort } from '../../examples/demo/free-ports.ts';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { type EchoService, openEchoService } from '../harness/echo-service.ts';
import { openAuthority, type Pair } from '../harness/tls-server.ts';
import { openWorld, programs } from '../harness/world.ts';

const world = await openWorld();
after(() => world.close());
const { controlPlane, folder } = world;
const envoy = findEnvoy('envoy', process.env, folder);
const secrets: string[] = [];
const processes: ChildProcess[] = [];

/** A code from the REST API, as kumactl gets it. */
async function makeCode(more: object = {}): Promise<string> {
  const { status, text } = await controlPlane.request('POST', '/tokens/join-code', { service: 'web', ...more });
  assert.equal(status, 200, text);
  secrets.push(text, parseJoinCode(text).secret);
  return text;
}

/** A host of its own, as far as files go. */
function newHost(): string {
  const home = mkdtempSync(join(tmpdir(), 'ursa-host-'));
  after(() => rmSync(home, { recursive: true, force: true }));
  return home;
}

function joinWith(code: string, port: number, home = newHost(), ...more: readonly string[]): ChildProcess {
  const started = startProcess({
    name: 'kuma-dp',
    command: programs.dataPlane,
    args: ['join', code, '--port', String(port), '--protocol', 'http', ...more],
    environment: { HOME: home, KUMA_DATAPLANE_RUNTIME_BINARY_PATH: envoy, KUMA_DATAPLANE_DRAIN_TIME: '1s' },
  });
  processes.push(started);
  after(() => started.stop(20_000));
  return started;
}

async function refused(started: ChildProcess, words: RegExp): Promise<void> {
  const ended = await Promise.race([started.exited, new Promise((resolve) => setTimeout(resolve, 30_000, 'runs'))]);
  assert.deepEqual(ended, { code: 1, signal: null }, started.output());
  assert.match(started.output(), words);
}

let web: EchoService;
before(async () => {
  web = await openEchoService('web', await freePort());
  after(() => web.close());
});

test('a code makes a proxy, is good for no second one, and goes on for the same', async () => {
  const code = await makeCode();
  const home = newHost();
  const first = joinWith(code, web.port, home);
  await waitFor('it serves', () => first.output().includes('ready: others may send') || !first.running(), {
    within: 60_000,
  });
  assert.ok(first.running(), first.output());
  const name = `web-${parseJoinCode(code).id.slice(0, 8)}`;
  await refused(
    joinWith(code, web.port),
    new RegExp(`has been used already, at .* for the proxy "${name}".*kumactl generate join-code`),
  );
  await first.stop(20_000);
  const again = joinWith(code, web.port, home);
  await waitFor('it serves again', () => again.output().includes('ready: others may send') || !again.running(), {
    within: 60_000,
  });
  assert.ok(again.running(), again.output());
  assert.match(again.output(), /goes on with what it got when it joined/);
  assert.equal((await controlPlane.request('GET', `/meshes/default/dataplanes/${name}`)).status, 200);
  const kept = join(home, '.kuma/proxies', String(web.port));
  secrets.push(readFileSync(join(kept, 'token'), 'utf8'));
  await again.stop(20_000);
});

test('its token is good for no other name and no other service', async () => {
  const home = newHost();
  const joined = joinWith(await makeCode({ name: 'web-7' }), web.port, home);
  await waitFor('it has joined', () => joined.output().includes('"msg":"joined"') || !joined.running(), {
    within: 30_000,
  });
  await joined.stop(20_000);
  const kept = join(home, '.kuma/proxies', String(web.port));
  assert.deepEqual(
    readdirSync(kept).filter((file) => file.endsWith('.new')),
    [],
  );
  const token = readFileSync(join(kept, 'token'), 'utf8');
  const [, claims = ''] = token.split('.');
  const { Name, Type, Tags } = JSON.parse(Buffer.from(claims, 'base64url').toString());
  assert.deepEqual({ Name, Type, Tags }, { Name: 'web-7', Type: 'dataplane', Tags: { 'kuma.io/service': ['web'] } });
  const thief = startProcess({
    name: 'kuma-dp with the token of another',
    command: programs.dataPlane,
    args: [
      ...['run', '--service', 'web', '--name', 'web-8', '--port', String(web.port), '--protocol', 'http'],
      ...['--cp-address', controlPlane.dataPlaneUrl, '--ca-cert-file', join(kept, 'ca.crt')],
      ...['--dataplane-token-file', join(kept, 'token')],
    ],
    environment: { HOME: newHost(), KUMA_DATAPLANE_RUNTIME_BINARY_PATH: envoy },
  });
  after(() => thief.stop());
  await refused(thief, /the name of the proxy is "web-8", but its token is for "web-7"/);
});

test('a code for one service joins no other, and one that is cut off says so', async () => {
  const code = await makeCode();
  await refused(
    joinWith(code, web.port, newHost(), '--service', 'api'),
    /this join code is for the service "web", not for "api"/,
  );
  await refused(joinWith(code.slice(0, -5), web.port), /it is not whole.*kumactl generate join-code/);
});

test('a code that has ended is refused with what to do', async () => {
  const code = await makeCode({ validFor: '1s' });
  const { id, secret } = parseJoinCode(code);
  await waitFor('it ends', async () => (await askedFor(id, secret, 'another')).includes('has expired'));
  await refused(
    joinWith(code, web.port),
    /this join code has expired .* ago; make another one with "kumactl generate join-code"/,
  );
});

/** What is answered for a service that the code is not for: it is refused whether it has ended or not, and is not spent. */
async function askedFor(id: string, secret: string, service: string): Promise<string> {
  return (await post({ id, secret, service })).text;
}

/** Stands where the control plane is said to be; hears everything that it is told. */
async function eavesdrop(pair: Pair, answer: string): Promise<{ port: number; heard: () => string }> {
  let heard = '';
  const server = createServer({ cert: pair.certificate, key: pair.key }, (socket: TLSSocket) => {
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      heard += chunk.toString();
      socket.end(
        `HTTP/1.1 200 OK\r\ncontent-length: ${Buffer.byteLength(answer)}\r\nconnection: close\r\n\r\n${answer}`,
      );
    });
  });
  server.on('tlsClientError', () => undefined);
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  after(() => new Promise((resolve) => server.close(resolve)));
  return { port, heard: () => heard };
}

test('who stands in between learns nothing, whether they show an authority of their own or pass on the real one', async () => {
  const authority = openAuthority(folder, 'in-between');
  const pair = authority.issue('cp', 'DNS:localhost,IP:127.0.0.1');
  const real = readFileSync(controlPlane.caCertFile, 'utf8');
  for (const shown of [authority.certificate, real, 'nothing of the kind']) {
    const listener = await eavesdrop(pair, shown);
    const code = parseJoinCode(await makeCode());
    const led = formatJoinCode({ ...code, addresses: [`https://127.0.0.1:${listener.port}`] });
    secrets.push(led);
    await refused(joinWith(led, web.port), /is not the control plane of this join code, and was told nothing/);
    assert.match(listener.heard(), /^POST \/join\/authority /);
    for (const part of [code.secret, code.id]) assert.ok(!listener.heard().includes(part));
    // The code was not spent: it is good at the real one.
    const { status } = await post({ id: code.id, secret: code.secret });
    assert.equal(status, 200);
  }
});

function post(body: object): Promise<{ status: number; text: string }> {
  const url = new URL('/join', controlPlane.dataPlaneUrl);
  const ca = readFileSync(controlPlane.caCertFile);
  return new Promise((resolve, reject) => {
    const outgoing = httpsRequest(url, { method: 'POST', ca, agent: false, timeout: 5000 }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      response.on('end', () => {
        if (response.statusCode === 200) secrets.push((JSON.parse(text) as { token: string }).token);
        resolve({ status: response.statusCode ?? 0, text });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(JSON.stringify(body));
  });
}

test('who guesses learns nothing of what exists, and ends the code with it', async () => {
  const { id, secret } = parseJoinCode(await makeCode());
  const unknown = await post({ id: '0'.repeat(16), secret: 'guess' });
  for (let attempt = 0; attempt < 10; attempt += 1)
    assert.deepEqual(await post({ id, secret: `guess-${attempt}` }), unknown);
  const { status, text } = await post({ id, secret });
  assert.deepEqual([status, /somebody has tried wrong secrets/.test(text)], [403, true]);
  for (const nonsense of [{}, { id: 1 }, { id, secret: 'x'.repeat(10_000) }])
    assert.ok([400, 403, 422].includes((await post(nonsense)).status));
});

test('the logs tell who made, used and tried which code, and hold no code, secret or token', async () => {
  const log = controlPlane.process().output();
  for (const words of [
    'a join code was made',
    'a host has joined with a code',
    'a join code was refused',
    '"by":"mesh-system:admin"',
  ])
    assert.ok(log.includes(words), `${words}\n${log}`);
  assert.ok(secrets.length > 10);
  const all = [log, ...processes.map((one) => one.output())].join('\n');
  for (const secret of secrets) assert.ok(!all.includes(secret));
});
