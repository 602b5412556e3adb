// Counting, and what Prometheus gets of it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMeter, encodeMetricsRequest, otlpMetrics, parsePrometheus, requestMetrics } from '../src/index.ts';

test('families come in the order of their names, each series with its own labels and the constant ones', () => {
  const meter = createMeter({ labels: { zone: 'east' } });
  const sent = meter.counter('sent', 'What was sent.', ['type']);
  sent.of('b').value += 2;
  sent.of('a').value += 1;
  meter.read('age', 'gauge', 'How old.', () => 1.5);
  meter.reads('size', 'gauge', 'How large.', ['of', 'in'], () => [[['x', 'y"\n'], 1e7]]);
  assert.equal(
    meter.text(),
    [
      '# HELP age How old.',
      '# TYPE age gauge',
      'age{zone="east"} 1.5',
      '# HELP sent What was sent.',
      '# TYPE sent counter',
      'sent{type="b",zone="east"} 2',
      'sent{type="a",zone="east"} 1',
      '# HELP size How large.',
      '# TYPE size gauge',
      'size{of="x",in="y\\"\\n",zone="east"} 1e+07',
      '',
    ].join('\n'),
  );
});

test('a histogram counts each value in every bucket that is large enough, and reads back as it was', () => {
  const meter = createMeter();
  const times = meter.histogram('times', '', [1, 10], ['who']).of('me');
  for (const value of [0.5, 1, 2, 10, 11]) times.observe(value);
  assert.equal(
    meter.text(),
    [
      '# TYPE times histogram',
      'times_bucket{who="me",le="1"} 2',
      'times_bucket{who="me",le="10"} 4',
      'times_bucket{who="me",le="+Inf"} 5',
      'times_sum{who="me"} 24.5',
      'times_count{who="me"} 5',
      '',
    ].join('\n'),
  );
  assert.deepEqual(parsePrometheus(meter.text()), meter.families());
});

test('a family without labels is there before anything was counted, one with labels is not', () => {
  const meter = createMeter();
  meter.counter('all', '');
  meter.counter('some', '', ['type']);
  assert.equal(meter.text(), '# TYPE all counter\nall 0\n# TYPE some counter\n');
});

test('names from outside do not fill the memory: beyond the limit they are counted together', () => {
  const meter = createMeter({ mostSeries: 3 });
  const asked = meter.counter('asked', '', ['path', 'code']);
  for (let number = 0; number < 100; number += 1) asked.of(`/${number}`, '200').value += 1;
  const [family] = meter.families();
  assert.deepEqual(
    family?.samples.map(({ labels, value }) => [labels[0]?.[1], value]),
    [
      ['/0', '1'],
      ['/1', '1'],
      ['/2', '1'],
      ['other', '97'],
    ],
  );
  meter.reads('read', 'gauge', '', ['n'], () => Array.from({ length: 9 }, (_, n) => [[String(n)], n] as const));
  assert.equal(meter.families()[1]?.samples.length, 3);
});

test('a name is declared once', () => {
  const meter = createMeter();
  meter.counter('a', '');
  assert.throws(() => meter.read('a', 'gauge', '', () => 0), /the metric a is declared twice/);
});

test('requests are told by route, method and status; odd methods share a series', () => {
  const meter = createMeter();
  const requests = requestMetrics(meter, 'some_server');
  requests.began();
  requests.began();
  requests.ended();
  for (const method of ['GET', 'BREW', 'PROPFIND'])
    requests.answered({ method, path: '/a', status: 200, seconds: 0.01, bodyBytes: 10 });
  const text = meter.text();
  assert.match(text, /^some_server_http_requests_inflight 1$/m);
  assert.match(text, /_seconds_count\{handler="\/a",method="GET",code="200"\} 1/);
  assert.match(text, /_bytes_count\{handler="\/a",method="other",code="200"\} 2/);
});

test('a meter can be sent to a collector', () => {
  const meter = createMeter({ labels: { zone: 'east' } });
  meter.counter('sent', 'help').of().value += 3;
  const scopes = otlpMetrics(meter.families(), { version: '1', extraLabels: {}, time: 5n });
  const bytes = encodeMetricsRequest(scopes, [['service.name', 'kuma-cp']]).toString('latin1');
  for (const text of ['service.name', 'kuma-cp', 'sent', 'help', 'zone', 'east']) assert.ok(bytes.includes(text), text);
});
