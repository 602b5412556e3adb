// kumactl's configuration file is read in both of the peer's spellings and written in the newer one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configurationDocument, emptyConfiguration, parseConfiguration } from '../src/config-file.ts';

const older = `
control_planes:
- name: test1
  coordinates:
    api_server:
      url: https://test1.internal:5681
contexts:
- name: test1
  control_plane: test1
  defaults:
    mesh: demo
current_context: test1
`;

test('the older spelling is understood', () => {
  const configuration = parseConfiguration(older, 'config');
  assert.equal(configuration.currentContext, 'test1');
  assert.equal(configuration.controlPlanes[0]?.coordinates.apiServer.url, 'https://test1.internal:5681');
  assert.equal(configuration.contexts[0]?.defaults?.mesh, 'demo');
});

test('nothing that is empty is written', () => {
  assert.deepEqual(configurationDocument(emptyConfiguration), {});
});

test('a file that is no YAML is refused with its name', () => {
  assert.throws(() => parseConfiguration('contexts: [', 'my-config'), /my-config: line 1 is not valid YAML/);
});

test('a control plane without an address is refused with the field', () => {
  assert.throws(
    () => parseConfiguration('controlPlanes: [{name: x}]', 'config'),
    /controlPlanes needs name and coordinates\.apiServer\.url/,
  );
});

test('keys of the authentication are kept as they are', () => {
  const text =
    'controlPlanes: [{name: x, coordinates: {apiServer: {url: "http://x", authType: tokens, authConf: {some_key: v}}}}]';
  assert.deepEqual(parseConfiguration(text, 'config').controlPlanes[0]?.coordinates.apiServer.authConf, {
    some_key: 'v',
  });
});
