import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatDuration, formatProtoDuration, parseDuration } from '../src/index.ts';

test('Go durations are read in milliseconds', () => {
  const cases = {
    '1h': 3_600_000,
    '1h30m': 5_400_000,
    '15s': 15_000,
    '1.5s': 1500,
    '250ms': 250,
    '1us': 0.001,
    '0': 0,
    '-5s': -5000,
    '.5s': 500,
  };
  for (const [text, milliseconds] of Object.entries(cases)) assert.equal(parseDuration(text), milliseconds, text);
  for (const text of ['', 's', '5', '1d', '1 s', '5sec', 'abc', '1s ', '--1s'])
    assert.equal(parseDuration(text), undefined, text);
});

test('durations are printed as Go prints them', () => {
  const cases = {
    '1h0m0s': 3_600_000,
    '1m30s': 90_000,
    '1h0m0.5s': 3_600_500,
    '15s': 15_000,
    '1.5s': 1500,
    '250ms': 250,
    '1µs': 0.001,
    '0s': 0,
    '-5s': -5000,
  };
  for (const [text, milliseconds] of Object.entries(cases)) assert.equal(formatDuration(milliseconds), text);
});

test('durations of older types are printed in seconds', () => {
  const cases = { '3600s': 3_600_000, '0.500s': 500, '-0.500s': -500, '1.000001s': 1000.001, '0s': 0, '-2s': -2000 };
  for (const [text, milliseconds] of Object.entries(cases)) assert.equal(formatProtoDuration(milliseconds), text);
});
