// Regular expressions that users write end in Envoy: none is stored that it would refuse.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { coreResourceTypes, createResourceTypes, MeshError, parseResource } from '@ursa/resources';
import { policyResourceTypes } from '../src/index.ts';

const types = createResourceTypes([...coreResourceTypes, ...policyResourceTypes]);

function violationsOf(type: string, spec: unknown): readonly string[] {
  try {
    parseResource(types, { type, mesh: 'default', name: 'p', spec });
    return [];
  } catch (error) {
    assert.ok(error instanceof MeshError);
    return (error.violations ?? []).map(({ field, message }) => `${field} ${message}`);
  }
}

const words = 'is not a regular expression as Envoy reads it (RE2): missing ]: "[a" at character 2';
const regular = (name: string, value: string) => ({ type: 'RegularExpression', name, value });

test('MeshHTTPRoute: paths, headers and query parameters', () => {
  const spec = (value: string) => {
    const match = {
      path: { type: 'RegularExpression', value },
      headers: [{ type: 'Exact', name: 'a', value: '[' }, regular('b', value)],
      queryParams: [regular('c', value)],
    };
    return { to: [{ targetRef: { kind: 'MeshService', name: 'api' }, rules: [{ matches: [match], default: {} }] }] };
  };
  assert.deepEqual(violationsOf('MeshHTTPRoute', spec('/a+')), []);
  const at = 'spec.to[0].rules[0].matches[0]';
  assert.deepEqual(violationsOf('MeshHTTPRoute', spec('/[a')), [
    `${at}.path.value ${words}`,
    `${at}.headers[1].value ${words}`,
    `${at}.queryParams[0].value ${words}`,
  ]);
});

test('MeshRetry: headers of requests and of answers', () => {
  const http = {
    numRetries: 1,
    retriableRequestHeaders: [regular('a', '/[a')],
    retriableResponseHeaders: [regular('b', '/[a')],
  };
  const to = [{ targetRef: { kind: 'Mesh' }, default: { http } }];
  const at = 'spec.to[0].default.conf.http';
  assert.deepEqual(violationsOf('MeshRetry', { targetRef: { kind: 'Mesh' }, to }), [
    `${at}.retriableResponseHeaders[0].value ${words}`,
    `${at}.retriableRequestHeaders[0].value ${words}`,
  ]);
});

test('MeshMetric: profiles', () => {
  const spec = (match: string) => ({ default: { sidecar: { profiles: { exclude: [{ type: 'Regex', match }] } } } });
  assert.deepEqual(violationsOf('MeshMetric', spec('a(?=b)')).length, 1, 'an expression of JavaScript is none of RE2');
  assert.deepEqual(
    violationsOf('MeshMetric', spec('(?P<a>b)')),
    [],
    'an expression of RE2 need not be one of JavaScript',
  );
});
