// What the API tells of itself in metrics.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMeter, requestMetrics } from '@ursa/telemetry';
import { aloneZone, openApiFixture } from './api-fixture.ts';

test('answers are counted by route, method and status, and none stays in flight', async () => {
  const meter = createMeter();
  const { ask } = openApiFixture({}, aloneZone, { requests: requestMetrics(meter, 'api_server') });
  await ask('GET', '/meshes/nope');
  await ask('GET', '/meshes');
  await ask('GET', '/nowhere');
  await ask('PUT', '/meshes/x', '{');
  const text = meter.text();
  assert.match(
    text,
    /api_server_http_request_duration_seconds_count\{handler="\/meshes\/\{name\}",method="GET",code="404"\} 1/,
  );
  assert.match(text, /api_server_http_response_size_bytes_count\{handler="\/meshes",method="GET",code="200"\} 1/);
  assert.match(text, /_count\{handler="",method="GET",code="404"\} 1/);
  assert.match(text, /_count\{handler="\/meshes\/\{name\}",method="PUT",code="400"\} 1/);
  assert.match(text, /api_server_http_requests_inflight 0/);
});
