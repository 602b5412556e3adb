// Finding Envoy, judging its version, reading its log and its statistics.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { countActivity, outboundStatNames } from '../src/drain.ts';
import { parseEnvoyVersion } from '../src/envoy/envoy-version.ts';
import { findEnvoy } from '../src/envoy/find-envoy.ts';
import { envoyLineForwarder, lineSplitter } from '../src/envoy/log-line.ts';
import { cachedEnvoyPath, envoyVersion } from '../src/envoy/release.ts';
import { createLog } from '../src/log.ts';

const folder = mkdtempSync(join(tmpdir(), 'kuma-dp-test-'));
after(() => rmSync(folder, { recursive: true }));

function place(path: string, mode: number): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, '#!/bin/sh\n');
  chmodSync(path, mode);
  return path;
}

test('Envoy comes from the path given, then from PATH, then from the cache', () => {
  const environment = { HOME: join(folder, 'home'), PATH: join(folder, 'bin') };
  assert.throws(
    () => findEnvoy('envoy', environment, folder),
    /Envoy was not found: no "envoy" in PATH and none at .*--binary-path/,
  );
  const cached = place(cachedEnvoyPath(environment), 0o755);
  assert.equal(findEnvoy('envoy', environment, folder), cached);
  assert.throws(() => findEnvoy('other-envoy', environment, folder), /no "other-envoy" in PATH/);
  const inPath = place(join(folder, 'bin', 'envoy'), 0o755);
  assert.equal(findEnvoy('envoy', environment, folder), inPath);
  const given = place(join(folder, 'given', 'envoy'), 0o755);
  assert.equal(findEnvoy('./given/envoy', environment, folder), given);
});

test('a path without an executable Envoy is explained', () => {
  assert.throws(() => findEnvoy('./missing/envoy', {}, folder), /--binary-path: there is no Envoy at .*missing\/envoy/);
  assert.throws(() => findEnvoy(folder, {}, folder), /is a folder, not an executable/);
});

test('the version is read, and versions too far away are refused', () => {
  const line = (version: string): string => `\nenvoy  version: 9e5580/${version}/Clean/RELEASE/BoringSSL\n`;
  assert.deepEqual(parseEnvoyVersion(line(envoyVersion), 'envoy'), {
    version: envoyVersion,
    build: `9e5580/${envoyVersion}/Clean/RELEASE/BoringSSL`,
    compatible: true,
  });
  assert.equal(parseEnvoyVersion(line('1.39.2'), 'envoy').compatible, false);
  assert.throws(
    () => parseEnvoyVersion(line('1.22.0'), '/usr/bin/envoy'),
    /\/usr\/bin\/envoy is Envoy 1\.22\.0, but versions 1\.38 to 1\.42 work here/,
  );
  assert.throws(
    () => parseEnvoyVersion('nginx version: 1\n', 'nginx'),
    /nginx is not Envoy: "--version" printed "nginx version: 1"/,
  );
});

test("Envoy's lines keep their level, and lines of no known form are kept whole", () => {
  const lines: string[] = [];
  const log = createLog({ level: 'info', format: 'json', write: (line) => lines.push(line), now: () => new Date(0) });
  const splitter = lineSplitter(envoyLineForwarder(log));
  splitter.push('warning\tupstream\tslow\tsocket\ninfo\trou');
  splitter.push('ter\tstarting\n  - more of it\ntrace\tx\tquiet\n  and of this\nassert failure: 1\n    #0 main\n\n');
  splitter.push('[2026-11-29 23:43:15.302][14888][warning][config] [source/server/options_impl.cc:287] early\nlast');
  splitter.end();
  assert.deepEqual(
    lines.map((line) => JSON.parse(line)).map(({ level, msg, component }) => [level, component, msg]),
    [
      ['warn', 'upstream', 'slow\tsocket'],
      ['info', 'router', 'starting'],
      ['info', 'router', '  - more of it'],
      ['error', 'main', 'assert failure: 1'],
      ['error', 'main', '    #0 main'],
      ['warn', 'config', 'early'],
      ['error', 'main', 'last'],
    ],
  );
});

test('activity is what clients would lose: requests anywhere and connections to inbounds', () => {
  const stats = [
    'http.admin.downstream_rq_active: 1',
    'http.localhost_8080.downstream_rq_active: 2',
    'http.localhost_8080.downstream_cx_active: 9',
    'http.backend.downstream_rq_active: 1',
    'listener.admin.downstream_cx_active: 1',
    'listener.admin.main_thread.downstream_cx_active: 1',
    'listener.127.0.0.1_8080.downstream_cx_active: 3',
    'listener.127.0.0.1_8080.worker_0.downstream_cx_active: 3',
    'listener.127.0.0.1_20001.downstream_cx_active: 5',
    'listener.[__1]_20001.downstream_cx_active: 5',
    'listener.chosen.downstream_cx_active: 5',
  ].join('\n');
  const listener = (direction: string, address: string, port: number, prefix?: string): object => ({
    active_state: {
      listener: {
        traffic_direction: direction,
        address: { socket_address: { address, port_value: port } },
        ...(prefix === undefined ? {} : { stat_prefix: prefix }),
      },
    },
  });
  const outbounds = outboundStatNames(
    JSON.stringify({
      configs: [
        listener('INBOUND', '127.0.0.1', 8080),
        listener('OUTBOUND', '127.0.0.1', 20001),
        listener('OUTBOUND', '::1', 20001),
        listener('OUTBOUND', '127.0.0.1', 20002, 'chosen'),
      ],
    }),
  );
  assert.equal(countActivity(stats, outbounds), 6);
});
