// What Envoy counts, read as plaintext connections, and how long ago they must have come.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countPlaintext, parseStatistics } from '../../../src/api/strictness/plaintext-counts.ts';
import { rememberQuiet } from '../../../src/api/strictness/quiet-inbounds.ts';

const http = { listener: 'listener.10.0.0.1_8080', http: 'http.localhost_8080' };
const tcp = { listener: 'listener.10.0.0.1_8080', http: undefined };

test('of HTTP, connections over TLS are told from others by Envoy', () => {
  const statistics = parseStatistics(
    [
      'http.localhost_8080.downstream_cx_total: 7',
      'http.localhost_8080.downstream_cx_ssl_total: 4',
      'http.localhost_8080.downstream_cx_active: 2',
      'http.localhost_8080.downstream_cx_ssl_active: 2',
      'listener.10.0.0.1_8080.downstream_cx_total: 700',
    ].join('\n'),
  );
  assert.deepEqual(countPlaintext(statistics, http), { total: 3, open: 0 });
});

test('of others, what has neither made nor failed a handshake is plain text', () => {
  const statistics = parseStatistics(
    [
      'listener.10.0.0.1_8080.downstream_cx_total: 10',
      'listener.10.0.0.1_8080.downstream_cx_active: 6',
      'listener.10.0.0.1_8080.ssl.handshake: 4',
      'listener.10.0.0.1_8080.ssl.connection_error: 1',
      'listener.10.0.0.1_8080.ssl.fail_verify_no_cert: 2',
      'listener.10.0.0.1_80800.downstream_cx_total: 1000',
    ].join('\n'),
  );
  assert.deepEqual(countPlaintext(statistics, tcp), { total: 3, open: 2 });
  assert.equal(countPlaintext(new Map(), tcp), undefined);
});

test('an inbound is quiet once nothing was added for as long as is asked for', () => {
  let now = 0;
  const inbounds = rememberQuiet(60_000, () => now);
  const judge = (total: number, open = 0) => inbounds.judge('default/web inbound', { total, open }).kind;
  assert.equal(judge(5), 'undecided', 'of the first look nobody knows how old the five are');
  now = 59_000;
  assert.equal(judge(5), 'undecided');
  now = 60_000;
  assert.equal(judge(5), 'quiet');
  assert.equal(judge(6), 'in-use');
  now = 100_000;
  assert.equal(judge(6), 'undecided', 'the clock starts anew');
  now = 130_000;
  assert.equal(judge(6, 1), 'in-use', 'an open connection counts, however old');
  assert.equal(judge(6), 'quiet');
});

test('another Envoy in its place counts from the start, and none is none', () => {
  let now = 0;
  const inbounds = rememberQuiet(60_000, () => now);
  const judge = (total: number) => inbounds.judge('default/web inbound', { total, open: 0 }).kind;
  assert.equal(judge(0), 'quiet');
  assert.equal(judge(9), 'in-use');
  now = 70_000;
  assert.equal(judge(3), 'undecided');
  inbounds.keep(() => false);
  now = 140_000;
  assert.equal(judge(3), 'undecided', 'what is forgotten has to be watched again');
});
