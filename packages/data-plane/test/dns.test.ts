// DNS in kuma-dp over real sockets: names of the mesh, what is passed on to the host's servers, and what hostile messages do.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { decode, encode, type Packet, streamDecode, streamEncode } from 'dns-packet';
import { freePort } from '../../../examples/demo/free-ports.ts';
import { waitFor } from '../../../examples/demo/wait-for.ts';
import { openDnsServer } from '../src/dns/dns-server.ts';
import { localAskers } from '../src/dns/local-askers.ts';
import { parseMeshNames } from '../src/dns/mesh-names.ts';
import { parseResolvConf } from '../src/dns/resolv-conf.ts';
import { addressOf, answerTo, askUdp, openProxyDns } from './dns-harness.ts';

const names = {
  'backend.mesh': ['240.0.0.1', 'fd00:fd00::f000:1'],
  'backend.svc.mesh.local': ['241.0.0.7', 'fd00:fd00::f100:7'],
};
const question = (name: string, type: 'A' | 'AAAA' | 'TXT' = 'A', more: Partial<Packet> = {}): Buffer =>
  encode({ id: 7, type: 'query', flags: 0x0100, questions: [{ name, type, class: 'IN' }], ...more });
const denied = { code: 'ENOTFOUND' };
const soa = {
  name: 'example',
  type: 'SOA',
  ttl: 900,
  data: { mname: 'ns.example', rname: 'root.example', serial: 1, refresh: 1, retry: 1, expire: 1, minimum: 300 },
} as const;

test('names of the mesh have their addresses of both families, and addresses their names', async (context) => {
  const { resolver, setNames, upstream } = await openProxyDns(context);
  setNames(names);
  assert.deepEqual(await resolver.resolve4('backend.mesh', { ttl: true }), [{ address: '240.0.0.1', ttl: 30 }]);
  assert.deepEqual(await resolver.resolve6('BackEnd.Mesh'), ['fd00:fd00::f000:1']);
  assert.deepEqual(await resolver.reverse('241.0.0.7'), ['backend.svc.mesh.local']);
  assert.deepEqual(await resolver.reverse('fd00:fd00::f100:7'), ['backend.svc.mesh.local']);
  await assert.rejects(resolver.resolveTxt('backend.mesh'), { code: 'ENODATA' });
  assert.deepEqual(upstream.asked, []);
});

test('where IPv6 does not reach the proxy, names of the mesh have no IPv6 address', async (context) => {
  const { resolver, setNames } = await openProxyDns(context, { ipv6: false });
  setNames(names);
  assert.deepEqual(await resolver.resolve4('backend.mesh'), ['240.0.0.1']);
  await assert.rejects(resolver.resolve6('backend.mesh'), { code: 'ENODATA' });
});

test("where the host's resolver was told of this server, no server of the host is asked: the question would come back", async (context) => {
  const { resolver, setNames, upstream } = await openProxyDns(context, { asksLoopback: false });
  setNames(names);
  upstream.respond = (query) => answerTo(query, [], { flags: 3, authorities: [soa] });
  const addresses = await waitFor('the names are known', () => resolver.resolve4('backend.mesh'));
  assert.deepEqual(addresses, ['240.0.0.1']);
  await assert.rejects(resolver.resolve4('elsewhere.example'), { code: 'ESERVFAIL' });
  assert.deepEqual(upstream.asked, []);
});

test('a name is answered as soon as its service exists, however seldom the names are looked at', async (context) => {
  const { resolver, setNames, upstream } = await openProxyDns(context, { refreshInterval: 3_600_000 });
  setNames({});
  upstream.respond = (query) => answerTo(query, [], { flags: 3, authorities: [soa] });
  await assert.rejects(resolver.resolve4('late.mesh'), denied);
  setNames({ 'late.mesh': ['240.0.0.9'] });
  // What was denied a moment ago is remembered by nobody but the asker.
  await sleep(300);
  assert.deepEqual(await resolver.resolve4('late.mesh'), ['240.0.0.9']);
});

test('before the names are known no name is denied', async (context) => {
  const { resolver, setNames, upstream } = await openProxyDns(context);
  upstream.respond = (query) => answerTo(query, [], { flags: 3, authorities: [soa] });
  await assert.rejects(resolver.resolve4('backend.mesh'), { code: 'ESERVFAIL' });
  setNames(names);
  await sleep(300);
  assert.deepEqual(await resolver.resolve4('backend.mesh'), ['240.0.0.1']);
  await assert.rejects(resolver.resolve4('nowhere.example'), denied);
});

test('names outlive Envoy, and go when the control plane takes them away', async (context) => {
  const { resolver, setNames, stopEnvoy, upstream } = await openProxyDns(context);
  setNames(names);
  await resolver.resolve4('backend.mesh');
  setNames(undefined);
  await sleep(50);
  assert.deepEqual(await resolver.resolve4('backend.mesh'), ['192.0.2.1'], 'it is a name like any other now');
  setNames(names);
  await sleep(300);
  assert.deepEqual(await resolver.resolve4('backend.mesh'), ['240.0.0.1']);
  await stopEnvoy();
  await sleep(50);
  assert.deepEqual(await resolver.resolve4('backend.mesh'), ['240.0.0.1']);
  assert.deepEqual(upstream.asked, ['udp A backend.mesh']);
});

test("everything else is passed on to the host's server, and its answer remembered for its time", async (context) => {
  const { resolver, setNames, upstream } = await openProxyDns(context);
  setNames(names);
  assert.deepEqual(await resolver.resolve4('www.example'), ['192.0.2.1']);
  const [again] = await resolver.resolve4('www.example', { ttl: true });
  assert.ok(again !== undefined && again.ttl <= 60);
  assert.deepEqual(upstream.asked, ['udp A www.example']);
  upstream.respond = (query) => answerTo(query, [addressOf(query, '192.0.2.2', 0)]);
  await resolver.resolve4('short.example');
  await resolver.resolve4('short.example');
  assert.equal(upstream.asked.filter((line) => line.includes('short')).length, 2, 'a time of 0 is not remembered');
});

test('what a server denies is denied, and remembered as long as its zone says', async (context) => {
  const { resolver, setNames, upstream } = await openProxyDns(context);
  setNames(names);
  upstream.respond = (query) => answerTo(query, [], { flags: 3, authorities: [soa] });
  await assert.rejects(resolver.resolve4('no.example'), denied);
  await assert.rejects(resolver.resolve4('no.example'), denied);
  upstream.respond = (query) => answerTo(query, [], { flags: 3 });
  await assert.rejects(resolver.resolve4('none.example'), denied);
  await assert.rejects(resolver.resolve4('none.example'), denied);
  assert.deepEqual(upstream.asked, ['udp A no.example', 'udp A none.example', 'udp A none.example']);
});

test('an answer that does not fit a datagram is fetched by TCP, and cut for who asked by UDP', async (context) => {
  const { port, setNames, upstream } = await openProxyDns(context);
  setNames(names);
  const many = (query: Packet) => Array.from({ length: 60 }, (_, index) => addressOf(query, `192.0.2.${index}`));
  upstream.respond = (query, transport) =>
    transport === 'udp' ? answerTo(query, [], { flags: 0x0200 }) : answerTo(query, many(query));
  const plain = decode(await askUdp(port, question('big.example')));
  assert.deepEqual([plain.flag_tc, plain.answers?.length], [true, 0]);
  assert.deepEqual(upstream.asked, ['udp A big.example', 'tcp A big.example']);
  const edns = { name: '.', type: 'OPT', udpPayloadSize: 4096, flags: 0, options: [] } as const;
  const large = decode(await askUdp(port, question('big.example', 'A', { additionals: [edns as never] })));
  assert.deepEqual([large.flag_tc, large.answers?.length], [false, 60]);
});

test('TCP is served, several questions on one connection', async (context) => {
  const { port, setNames } = await openProxyDns(context);
  setNames(names);
  await sleep(50);
  const socket = connect(port, '127.0.0.1');
  const received: Buffer[] = [];
  socket.on('data', (chunk) => received.push(chunk));
  for (const [id, name] of [
    [1, 'backend.mesh'],
    [2, 'www.example'],
  ] as const)
    socket.write(streamEncode({ id, type: 'query', questions: [{ name, type: 'A', class: 'IN' }] }));
  const answers: Packet[] = [];
  while (answers.length < 2) {
    await sleep(5);
    let bytes = Buffer.concat(received);
    answers.length = 0;
    while (bytes.length > 2 && bytes.length >= 2 + bytes.readUInt16BE(0)) {
      answers.push(streamDecode(bytes));
      bytes = bytes.subarray(2 + bytes.readUInt16BE(0));
    }
  }
  socket.destroy();
  const found = Object.fromEntries(
    answers.map(({ id, answers: [first] = [] }) => [id, first?.type === 'A' && first.data]),
  );
  assert.deepEqual(found, { 1: '240.0.0.1', 2: '192.0.2.1' });
});

test('without a server the mesh goes on, what is remembered is still told, the rest fails at once', async (context) => {
  const { resolver, setNames, upstream, lines } = await openProxyDns(context);
  setNames(names);
  upstream.respond = (query) => answerTo(query, [addressOf(query, '192.0.2.5', 1)]);
  await resolver.resolve4('known.example');
  await sleep(1100);
  await upstream.close();
  assert.deepEqual(await resolver.resolve4('backend.mesh'), ['240.0.0.1']);
  assert.deepEqual(await resolver.resolve4('known.example', { ttl: true }), [{ address: '192.0.2.5', ttl: 30 }]);
  await assert.rejects(resolver.resolve4('unknown.example'), { code: 'ESERVFAIL' });
  assert.equal(lines.filter((line) => line.includes('no DNS server of this host answers')).length, 1);
});

test('a server that does not answer is passed over, and asked last from then on', async (context) => {
  const { resolver, setNames, setServers, upstream } = await openProxyDns(context);
  setNames(names);
  // Nobody listens at the first address.
  setServers('nameserver 127.0.0.77\nnameserver 127.0.0.1\noptions timeout:1\n');
  await sleep(1100);
  assert.deepEqual(await resolver.resolve4('a.example'), ['192.0.2.1']);
  assert.deepEqual(await resolver.resolve4('b.example'), ['192.0.2.1']);
  assert.equal(upstream.asked.length, 2);
});

test('who asks the same at the same time waits for one answer', async (context) => {
  const { resolver, setNames, upstream, port } = await openProxyDns(context);
  setNames(names);
  await resolver.resolve4('warm.example');
  await Promise.all(Array.from({ length: 20 }, () => askUdp(port, question('one.example'))));
  assert.equal(upstream.asked.filter((line) => line.includes('one.example')).length, 1);
});

test('an answer with another id, another question or from somebody else is not taken', async (context) => {
  const { resolver, setNames, upstream } = await openProxyDns(context);
  setNames(names);
  upstream.respond = (query) =>
    answerTo({ ...query, id: ((query.id ?? 0) + 1) % 0x10000 }, [addressOf(query, '192.0.2.66')]);
  await assert.rejects(resolver.resolve4('forged.example'), { code: 'ESERVFAIL' });
  upstream.respond = (query) =>
    answerTo({ ...query, questions: [{ name: 'other.example', type: 'A' }] }, [addressOf(query, '192.0.2.66')]);
  await assert.rejects(resolver.resolve4('wrong.example'), { code: 'ESERVFAIL' });
});

test('every question is logged where that is asked for', async (context) => {
  const { resolver, setNames, lines } = await openProxyDns(context, { logsQuestions: true });
  setNames(names);
  await resolver.resolve4('backend.mesh');
  await resolver.resolve4('www.example');
  assert.match(lines.join('\n'), /question.*backend\.mesh.*"?A"?.*mesh/);
  assert.match(lines.join('\n'), /question.*www\.example.*elsewhere/);
});

test('hostile messages end nothing: 20,000 mutated ones, and a question that is no question', async (context) => {
  const { port, resolver, setNames } = await openProxyDns(context);
  setNames(names);
  await sleep(50);
  const seeds = [
    question('backend.mesh'),
    question('www.example', 'AAAA'),
    answerTo(decode(question('a.example')), [addressOf(decode(question('a.example')), '192.0.2.9')]),
    Buffer.from('c00cc00c'.repeat(16), 'hex'),
  ];
  let seed = 42;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed % below;
  };
  const { createSocket } = await import('node:dgram');
  const socket = createSocket('udp4');
  for (let count = 0; count < 20_000; count += 1) {
    const bytes = Buffer.from(seeds[random(seeds.length)] ?? []);
    for (let change = 0; change <= random(6); change += 1) bytes.writeUInt8(random(256), random(bytes.length));
    socket.send(bytes.subarray(0, random(3) === 0 ? random(bytes.length) + 1 : bytes.length), port, '127.0.0.1');
    // What does not fit the kernel's buffer would be dropped unread.
    if (count % 50 === 0) await sleep(1);
  }
  socket.close();
  const stream = connect(port, '127.0.0.1');
  stream.on('error', () => undefined);
  stream.write(Buffer.from('0005ffffffffff', 'hex'));
  assert.deepEqual(await resolver.resolve4('backend.mesh'), ['240.0.0.1']);
  stream.destroy();
  const codeOf = (bytes: Buffer): number => bytes.readUInt16BE(2) & 0xf;
  const twoQuestions = question('backend.mesh');
  twoQuestions.writeUInt16BE(2, 4);
  assert.equal(codeOf(await askUdp(port, twoQuestions)), 1);
  const update = question('backend.mesh');
  update.writeUInt16BE(0x2800, 2);
  assert.equal(codeOf(await askUdp(port, update)), 4);
});

test('the port that somebody has is named with what to do', async (context) => {
  const { port } = await openProxyDns(context);
  await assert.rejects(
    openDnsServer({ addresses: ['127.0.0.1'], port, answer: async () => undefined, serves: () => true }),
    {
      code: 'conflict',
      message: new RegExp(`--dns-proxy-port: port ${port} for DNS is used by another process.*--redirect-dns-port`),
    },
  );
});

test('on a host without IPv6 DNS listens without it', async (context) => {
  const port = await freePort();
  const listen = (addresses: readonly string[]) =>
    openDnsServer({ addresses, port, answer: async () => undefined, serves: () => true });
  // An address of documentation (RFC 3849) stands for one of a family that was switched off: the system's answer is the same.
  const server = await listen(['127.0.0.1', '2001:db8::1']);
  context.after(() => server.close());
  assert.deepEqual(server.addresses, ['127.0.0.1']);
  await assert.rejects(listen(['192.0.2.1']), /cannot be used: .*EADDRNOTAVAIL 192\.0\.2\.1/);
});

test('only this host and its redirected networks are answered', () => {
  const serves = localAskers(['172.17.0.0/16', 'fd00:1::/64'], () => ['192.0.2.9']);
  const askers = [
    '127.0.0.1',
    '::1',
    '172.17.3.4',
    'fd00:1::9',
    '172.18.0.1',
    '192.0.2.1',
    '192.0.2.9',
    '2001:db8::1',
    undefined,
  ];
  assert.deepEqual(askers.filter(serves), ['127.0.0.1', '::1', '172.17.3.4', 'fd00:1::9', '192.0.2.9']);
});

test('the rules of the host are read as its resolver reads them', () => {
  assert.deepEqual(
    parseResolvConf(
      '# comment\nnameserver 10.0.0.1\nnameserver 10.0.0.2 ; second\nnameserver nonsense\nnameserver fe80::1%eth0\nnameserver 10.0.0.4\noptions rotate timeout:1 attempts:9 ndots:5\n',
    ),
    { servers: ['10.0.0.1', '10.0.0.2', 'fe80::1%eth0'], timeout: 1000, attempts: 5, rotate: true },
  );
  assert.deepEqual(parseResolvConf(''), { servers: [], timeout: 2000, attempts: 2, rotate: false });
});

test('a document that makes no sense is refused, entries that make none are left out', () => {
  assert.throws(() => parseMeshNames('nope'), { code: 'invalid' });
  assert.throws(() => parseMeshNames('3'), { code: 'invalid' });
  const { count, ttl, addressesOf } = parseMeshNames(
    JSON.stringify({ records: [null, { name: 1 }, { name: 'a.mesh.', ips: ['240.0.0.1', 'x', 5] }], ttl: -1 }),
  );
  assert.deepEqual([count, ttl, addressesOf('a.mesh')], [1, 30, { ipv4: ['240.0.0.1'], ipv6: [] }]);
});
