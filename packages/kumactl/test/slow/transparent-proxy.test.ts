// Installing and uninstalling with real iptables, both kinds: twice is once, nothing of others is touched, everything goes again.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { namespacesMissing, runInNamespace } from '../network-namespace.ts';

/** A kind of iptables, and rules of others in it that everything has to leave alone. */
const foreignRules = (kind: string): string =>
  ['iptables', 'ip6tables']
    .flatMap((prefix) => [
      `${prefix}-${kind} -t nat -N DOCKER`,
      `${prefix}-${kind} -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER`,
      `${prefix}-${kind} -t nat -A OUTPUT -p tcp --dport 99 -m comment --comment "it's \\"theirs\\"" -j ACCEPT`,
      `${prefix}-${kind} -t filter -A INPUT -p tcp --dport 98 -j DROP`,
    ])
    .join('\n');

/** Rules without counters and without tables that nobody uses. */
const saveAll = (kind: string): string =>
  `(iptables-${kind}-save; ip6tables-${kind}-save) 2>/dev/null | grep -E '^-A|^:[A-Z_]+ -' | sed 's/ \\[.*//'; echo ==== -`;

const everything = [
  ...['--redirect-all-dns-traffic', '--drop-invalid-packets', '--iptables-logs', '--vnet docker0:172.17.0.0/16'],
  ...['--exclude-inbound-ips 10.0.0.1,fd00::1', '--exclude-outbound-ips 10.0.0.2,fd00::2'],
  ...['--exclude-outbound-ports-for-uids tcp:80,100-200:7', '--exclude-inbound-ports 22,81'],
].join(' ');

/** What somebody does who takes our chains away by hand. */
const withoutChains = (iptables: string): string =>
  [
    '-D PREROUTING -p tcp -j KUMA_MESH_INBOUND',
    '-D OUTPUT -p tcp -j KUMA_MESH_OUTBOUND',
    ...['INBOUND', 'OUTBOUND', 'INBOUND_REDIRECT', 'OUTBOUND_REDIRECT'].map((name) => `-F KUMA_MESH_${name}`),
    ...['INBOUND', 'OUTBOUND', 'INBOUND_REDIRECT', 'OUTBOUND_REDIRECT'].map((name) => `-X KUMA_MESH_${name}`),
  ]
    .map((args) => `${iptables} ${args}`)
    .join('\n');

const missing = namespacesMissing();

function inHost(
  name: string,
  script: (folder: string) => string,
  check: (stdout: string, stderr: string) => void,
): void {
  test(name, { skip: missing }, () => {
    const folder = mkdtempSync(join(tmpdir(), 'kumactl-host-'));
    try {
      const { status, stdout, stderr } = runInNamespace(script(folder), folder);
      assert.equal(status, 0, `${stdout}\n${stderr}`);
      check(stdout, stderr);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}

/** Parts of what a script printed, by its `echo ==== name`. */
function partsOf(stdout: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    stdout.split(/^==== /m).map((part) => {
      const end = part.indexOf('\n');
      return [part.slice(0, end), part.slice(end + 1)];
    }),
  );
}

for (const kind of ['nft', 'legacy']) {
  inHost(
    `iptables-${kind}: twice is once, and uninstalling leaves the host as it was`,
    () =>
      [
        foreignRules(kind),
        `echo ==== before; ${saveAll(kind)}`,
        `kumactl install transparent-proxy ${everything}`,
        `echo ==== once; ${saveAll(kind)}`,
        `kumactl install transparent-proxy ${everything}`,
        `echo ==== twice; ${saveAll(kind)}`,
        'kumactl install transparent-proxy --redirect-outbound-port 12345 --ip-family-mode ipv4',
        `echo ==== other; ${saveAll(kind)}`,
        `echo ==== address; ip -6 address show dev lo`,
        `echo ==== uninstall; kumactl uninstall transparent-proxy`,
        `echo ==== after; ${saveAll(kind)}`,
        'if ip -6 address show dev lo | grep ::6/; then exit 9; fi',
        `echo ==== again; kumactl uninstall transparent-proxy`,
      ].join('\n'),
    (stdout) => {
      const { before = '', once = '', twice, other = '', address = '', uninstall = '', after, again } = partsOf(stdout);
      assert.equal(twice, once);
      for (const line of before.trim().split('\n')) assert.ok(once.includes(line), line);
      assert.match(once, /-A KUMA_MESH_OUTBOUND_REDIRECT .*--to-ports 15001/);
      assert.match(other, /--to-ports 12345/);
      assert.doesNotMatch(other, /CT --zone|LOG|INVALID|::6\/128|--to-ports 15001/);
      assert.match(address, /::6\/128/);
      assert.match(uninstall, new RegExp(`# IPv4, iptables-${kind}: all rules are gone\n`));
      assert.equal(after, before);
      assert.match(again ?? '', /nothing to do/);
    },
  );

  inHost(
    `iptables-${kind}: rules without comments are replaced, and go with the configuration that they were made with`,
    (folder) => {
      const file = join(folder, 'config.yaml');
      writeFileSync(file, 'comments: { disabled: true }\nredirect: { dns: { enabled: true, captureAll: true } }\n');
      return [
        foreignRules(kind),
        `echo ==== before; ${saveAll(kind)}`,
        `kumactl install transparent-proxy --config ${file} --exclude-inbound-ports 22`,
        `echo ==== once; ${saveAll(kind)}`,
        `kumactl install transparent-proxy --config ${file} --exclude-inbound-ports 22`,
        `echo ==== twice; ${saveAll(kind)}`,
        'echo ==== refused; if kumactl uninstall transparent-proxy 2>&1; then exit 9; fi',
        `echo ==== unchanged; ${saveAll(kind)}`,
        ...['iptables', 'ip6tables'].map((prefix) => withoutChains(`${prefix}-${kind} -t nat`)),
        `echo ==== uninstall; kumactl uninstall transparent-proxy --config ${file}`,
        `echo ==== after; ${saveAll(kind)}`,
      ].join('\n');
    },
    (stdout) => {
      const { before, once = '', twice, refused = '', unchanged, after } = partsOf(stdout);
      assert.match(
        refused,
        /nothing was changed: .*without comments[\s\S]*\n {2}IPv4, iptables-\w+, .*OUTPUT -p udp -m udp --dport 53 -j REDIRECT/,
      );
      assert.match(refused, /Give --config the file/);
      assert.equal(unchanged, once);
      assert.doesNotMatch(once, /kuma\/mesh/);
      assert.match(once, /-A OUTPUT -p udp -m udp --dport 53 -j REDIRECT --to-ports 15053/);
      assert.equal(twice, once);
      assert.equal(after, before);
    },
  );
}

inHost(
  'rules of an earlier installation go from the other kind too; a dry run changes nothing',
  () =>
    [
      'programs=iptables:/usr/sbin/iptables-legacy,iptables-save:/usr/sbin/iptables-legacy-save,iptables-restore:/usr/sbin/iptables-legacy-restore',
      'kumactl install transparent-proxy --ip-family-mode ipv4 --iptables-executables $programs --redirect-ssh',
      `echo ==== legacy; ${saveAll('legacy')}`,
      'kumactl install transparent-proxy --dry-run >/dev/null; kumactl uninstall transparent-proxy --dry-run >/dev/null',
      `echo ==== unchanged; ${saveAll('legacy')}; echo ==== nothing; ${saveAll('nft')}`,
      'kumactl install transparent-proxy --redirect-ssh',
      `echo ==== gone; ${saveAll('legacy')}; echo ==== nft; ${saveAll('nft')}`,
    ].join('\n'),
  (stdout) => {
    const { legacy = '', unchanged, nothing, gone, nft = '' } = partsOf(stdout);
    assert.match(legacy, /KUMA_MESH_INBOUND/);
    assert.equal(unchanged, legacy);
    assert.equal(nothing, '');
    assert.equal(gone, '');
    assert.match(nft, /KUMA_MESH_INBOUND/);
  },
);

/** As user 5678 answers DNS on 15053 with what the test looks for; as any user asks a server and prints the answer, or `none`. */
const dnsScript = `
const { createSocket } = require('node:dgram');
const [role, address, text] = process.argv.slice(2);
const family = address.includes(':') ? 'udp6' : 'udp4';
const socket = createSocket(family);
if (role === 'serve') {
  socket.on('message', (query, from) => socket.send(text, from.port, from.address));
  socket.bind(Number(process.argv[5]), address);
} else {
  // Connected: an answer counts only when it seems to come from the server that was asked.
  socket.connect(53, address, () => socket.send('query'));
  socket.on('message', (answer) => { console.log(String(answer)); process.exit(); });
  socket.on('error', () => {});
  setTimeout(() => { console.log('none'); process.exit(); }, Number(text));
}
`;

for (const kind of ['nft', 'legacy']) {
  inHost(
    `iptables-${kind}: DNS of applications reaches kuma-dp, its own reaches the server, and other servers are left alone`,
    (folder) => {
      const script = join(folder, 'dns.cjs');
      writeFileSync(script, dnsScript);
      writeFileSync(join(folder, 'resolv.conf'), 'nameserver 10.53.0.1\nnameserver fd53::1\n');
      const as = (uid: number): string => `setpriv --reuid ${uid} --regid ${uid} --clear-groups`;
      const node = join(folder, 'node');
      const ask = (uid: number, address: string, patience = 5000): string =>
        `echo "==== ${uid} ${address}"; ${as(uid)} '${node}' '${script}' ask ${address} ${patience}`;
      return [
        // The servers are addresses of this host; others have to be able to run the programs.
        `touch '${node}'; mount --bind '${process.execPath}' '${node}'; chmod 755 '${folder}'; chmod 644 '${script}'`,
        ...['10.53.0.1/32', '10.53.0.2/32'].map((address) => `ip address add ${address} dev lo`),
        ...['fd53::1/128', 'fd53::2/128'].map((address) => `ip -6 address add ${address} dev lo nodad`),
        `iptables-${kind} -t nat -A POSTROUTING -p tcp --dport 1 -j ACCEPT`,
        `export KUMA_TRANSPARENT_PROXY_REDIRECT_DNS_RESOLV_CONFIG_PATH='${folder}/resolv.conf'`,
        'kumactl install transparent-proxy --redirect-dns --redirect-ssh',
        `iptables-${kind}-save | grep -q 'CT --zone'`,
        ...['127.0.0.1', '::1'].map(
          (address) => `${as(5678)} '${node}' '${script}' serve ${address} kuma-dp 15053 & servers="$servers $!"`,
        ),
        ...['10.53.0.1', '10.53.0.2', 'fd53::1', 'fd53::2'].map(
          (address) => `'${node}' '${script}' serve ${address} server 53 & servers="$servers $!"`,
        ),
        'for _ in $(seq 200); do [ "$(ss -lun | grep -cE ":(53|15053) ")" = 6 ] && break; sleep 0.05; done',
        ...['10.53.0.1', 'fd53::1'].flatMap((address) => [ask(1000, address), ask(5678, address)]),
        ...['10.53.0.2', 'fd53::2'].map((address) => ask(1000, address)),
        'kumactl uninstall transparent-proxy >/dev/null',
        ...['10.53.0.1', 'fd53::1'].map((address) => ask(1001, address)),
        'kill $servers',
      ].join('\n');
    },
    (stdout) => {
      const answers = partsOf(stdout);
      const asked = Object.fromEntries(
        Object.entries(answers).filter(([, answer]) => /^(kuma-dp|server|none)$/m.test(answer)),
      );
      assert.deepEqual(asked, {
        '1000 10.53.0.1': 'kuma-dp\n',
        '5678 10.53.0.1': 'server\n',
        '1000 fd53::1': 'kuma-dp\n',
        '5678 fd53::1': 'server\n',
        '1000 10.53.0.2': 'server\n',
        '1000 fd53::2': 'server\n',
        '1001 10.53.0.1': 'server\n',
        '1001 fd53::1': 'server\n',
      });
    },
  );
}

inHost(
  'a host whose SSH server would be redirected is left alone, unless it is asked for',
  () =>
    [
      'node -e \'require("net").createServer().listen(22)\' & server=$!',
      'for _ in $(seq 100); do ss -ltn | grep -q ":22 " && break; sleep 0.05; done',
      'if kumactl install transparent-proxy; then exit 9; fi',
      `echo ==== refused; ${saveAll('nft')}`,
      'kumactl install transparent-proxy --exclude-inbound-ports 22',
      'kumactl install transparent-proxy --redirect-ssh',
      'kill $server',
    ].join('\n'),
  (stdout, stderr) => {
    assert.equal(partsOf(stdout).refused, '');
    assert.match(
      stderr,
      /Error: the SSH server of this host \(port 22\) .* --exclude-inbound-ports 22, or .* --redirect-ssh/,
    );
  },
);

inHost(
  'a change that iptables refuses is tried again, leaves the rules as they were, and says why',
  (folder) => {
    const restore = join(folder, 'refuses');
    const script =
      '#!/bin/sh\n[ "$1" = --version ] && exec iptables-nft-restore --version\necho "out of paper" >&2\nexit 1\n';
    writeFileSync(restore, script, { mode: 0o755 });
    const programs = `iptables:/usr/sbin/iptables-nft,iptables-save:/usr/sbin/iptables-nft-save,iptables-restore:${restore}`;
    return [
      'kumactl install transparent-proxy --redirect-ssh',
      `echo ==== before; ${saveAll('nft')}`,
      'flags="--redirect-ssh --max-retries 2 --sleep-between-retries 10ms --redirect-outbound-port 1234"',
      `if kumactl install transparent-proxy $flags --iptables-executables ${programs}; then exit 9; fi`,
      `echo ==== after; ${saveAll('nft')}`,
    ].join('\n');
  },
  (stdout, stderr) => {
    const { before = '', after } = partsOf(stdout);
    assert.match(before, /KUMA_MESH_INBOUND/);
    assert.equal(after, before);
    assert.equal(stderr.match(/failed, trying again in 10ms: out of paper/g)?.length, 2);
    assert.match(stderr, /Error: \S+refuses failed 3 times, the IPv4 rules are as they were: out of paper/);
  },
);
