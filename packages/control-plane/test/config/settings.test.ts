// Settings: where they come from, what is refused, and how they are shown.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { getCiphers } from 'node:tls';
import { MeshError } from '@ursa/resources';
import { defaultSettings, loadSettings } from '../../src/config/load-settings.ts';
import { settingsTable } from '../../src/config/settings.ts';
import { showSettings } from '../../src/config/show-settings.ts';
import { tlsLimitsOf } from '../../src/config/tls-limits.ts';
import { walkSettings } from '../../src/config/walk-settings.ts';

const yaml = (text: string) => ({ file: { name: 'kuma-cp.yaml', text }, env: {} });

function violationsOf(load: () => unknown): Readonly<Record<string, string>> {
  try {
    load();
  } catch (error) {
    assert.ok(error instanceof MeshError && error.code === 'invalid');
    return Object.fromEntries(error.violations.map(({ field, message }) => [field, message]));
  }
  return assert.fail('nothing was refused');
}

test('without a file and environment all settings have their defaults', () => {
  const { settings, warnings } = loadSettings({ env: {} });
  assert.deepEqual(settings, defaultSettings());
  assert.deepEqual(warnings, []);
  assert.equal(settings.apiServer.http.port, 5681);
  assert.equal(settings.store.type, 'embedded');
});

test('the environment wins over the file, the file over the defaults', () => {
  const text = 'apiServer:\n  http:\n    port: 1\n  https:\n    port: 2\n';
  const { settings } = loadSettings({ file: { name: 'f', text }, env: { KUMA_API_SERVER_HTTP_PORT: '3' } });
  assert.deepEqual([settings.apiServer.http.port, settings.apiServer.https.port], [3, 2]);
  assert.equal(settings.dpServer.port, 5678);
});

test('every kind of value can be given in the file and in the environment', () => {
  const fromFile = loadSettings(
    yaml(`
mode: zone
store: { unsafeDelete: true }
general: { tlsCipherSuites: [A, B], resilientComponentMaxBackoff: 1m30s }
runtime: { kubernetes: { injector: { sidecarContainer: { envVars: { a: b, c: "d:e" } } } } }
dpServer: { authn: { dpProxy: { dpToken: { validator: { publicKeys: [{ kid: 1, mesh: default, keyFile: /k }] } } } } }
`),
  ).settings;
  const fromEnv = loadSettings({
    env: {
      KUMA_MODE: 'standalone',
      KUMA_STORE_UNSAFE_DELETE: 'true',
      KUMA_GENERAL_TLS_CIPHER_SUITES: 'A, B',
      KUMA_GENERAL_RESILIENT_COMPONENT_MAX_BACKOFF: '90s',
      KUMA_RUNTIME_KUBERNETES_INJECTOR_SIDECAR_CONTAINER_ENV_VARS: 'a:b,c:d:e',
    },
  }).settings;
  assert.equal(fromFile.general.resilientComponentMaxBackoff, 90_000);
  assert.deepEqual(fromFile.general, fromEnv.general);
  assert.deepEqual(fromFile.store, fromEnv.store);
  assert.equal(fromEnv.mode, 'zone');
  assert.deepEqual(fromFile.runtime.kubernetes.injector.sidecarContainer.envVars, { a: 'b', c: 'd:e' });
  assert.deepEqual(fromFile.runtime, fromEnv.runtime);
  assert.deepEqual(fromFile.dpServer.authn.dpProxy.dpToken.validator.publicKeys, [
    { kid: '1', mesh: 'default', keyFile: '/k' },
  ]);
});

test('unknown names are refused, all of them at once, with the one that may have been meant', () => {
  const text = 'apiServer:\n  htp: {}\n  http:\n    prt: 1\nstoer: 1\n';
  const found = violationsOf(() =>
    loadSettings({ file: { name: 'f', text }, env: { KUMA_API_SERVER_HTPT_PORT: '1' } }),
  );
  assert.match(found['apiServer.htp'] ?? '', /did you mean apiServer\.http\?/);
  assert.match(found['apiServer.http.prt'] ?? '', /did you mean apiServer\.http\.port\?/);
  assert.match(found.stoer ?? '', /did you mean store\?/);
  assert.match(found.KUMA_API_SERVER_HTPT_PORT ?? '', /did you mean KUMA_API_SERVER_HTTP_PORT\?/);
});

test('a value that cannot be is refused by the name under which it was given, with what was expected', () => {
  const found = violationsOf(() =>
    loadSettings({
      env: {
        KUMA_API_SERVER_HTTP_PORT: '70000',
        KUMA_API_SERVER_HTTP_ENABLED: 'yes',
        KUMA_STORE_TYPE: 'sqlite',
        KUMA_API_SERVER_IDLE_TIMEOUT: 'soon',
        KUMA_METRICS_MESH_BUFFER_SIZE: '-1',
        KUMA_RUNTIME_KUBERNETES_EXCEPTIONS_LABELS: 'a',
      },
    }),
  );
  assert.equal(found.KUMA_API_SERVER_HTTP_PORT, 'expected a port (0 to 65535), found "70000"');
  assert.equal(found.KUMA_API_SERVER_HTTP_ENABLED, 'expected true or false, found "yes"');
  assert.match(found.KUMA_STORE_TYPE ?? '', /expected one of embedded, memory, postgres, kubernetes, found "sqlite"/);
  assert.match(found.KUMA_API_SERVER_IDLE_TIMEOUT ?? '', /expected a duration/);
  assert.equal(Object.keys(found).length, 6);
});

test('a secret that is wrong is not quoted', () => {
  const found = violationsOf(() => loadSettings(yaml('store: { postgres: { password: [hunter2] } }')));
  assert.equal(found['store.postgres.password'], 'expected a text');
});

test('a file that is no YAML, has a key twice or is not an object is refused', () => {
  for (const text of ['a: [', 'mode: zone\nmode: zone\n', '- 1\n', 'store: memory\n', 'store: &s {}\ngeneral: *s\n']) {
    assert.throws(() => loadSettings(yaml(text)), text);
  }
});

test('names of other programs are left alone, old names still work and are warned of', () => {
  const { settings, warnings } = loadSettings({
    env: {
      KUMA_CONTROL_PLANE_URL: 'https://localhost:5678',
      KUMA_DATAPLANE_RUNTIME_TOKEN_PATH: '/token',
      KUMA_CONTROL_PLANE_SERVICE_HOST: '10.0.0.1',
      KUMA_CONTROL_PLANE_PORT: 'tcp://10.0.0.1:5681',
      KUMA_OTHER_PORT_5681_TCP_ADDR: '10.0.0.1',
      KUMA_API_SERVER_PORT: '1234',
      KUMA_GUI_SERVER_ENABLED: 'false',
      KMESH_LICENSE_PATH: '/license',
      PATH: '/bin',
    },
  });
  assert.equal(settings.apiServer.http.port, 1234);
  assert.deepEqual(warnings.map((warning) => warning.split(' ')[0]).toSorted(), [
    'KMESH_LICENSE_PATH',
    'KUMA_API_SERVER_PORT',
    'KUMA_GUI_SERVER_ENABLED',
  ]);
});

test('keys that files of older versions have are read, warned of, or refused with those of today', () => {
  const { settings, warnings } = loadSettings(
    yaml(
      'guiServer: { enabled: true, apiServerUrl: x }\nexperimental: { skipPersistedVIPs: true, gatewayAPI: true }\n' +
        'metrics: { mesh: { minResyncTimeout: 5s } }\napiServer: { port: 1234 }\ndpServer: { auth: { enableReloadableTokens: true } }\n',
    ),
  );
  assert.equal(settings.apiServer.http.port, 1234);
  assert.equal(settings.dpServer.authn.enableReloadableTokens, true);
  assert.deepEqual(warnings, [
    'guiServer.enabled has no effect: use KUMA_API_SERVER_GUI_ENABLED',
    'guiServer.apiServerUrl has no effect: it changes nothing here',
    'experimental.skipPersistedVIPs has no effect: it changes nothing here',
    'experimental.gatewayAPI has no effect: it changes nothing here',
    'metrics.mesh.minResyncTimeout has no effect: it changes nothing here',
    'apiServer.port is deprecated: use apiServer.http.port',
    'dpServer.auth.enableReloadableTokens is deprecated: use dpServer.authn.enableReloadableTokens',
  ]);
  const found = violationsOf(() =>
    loadSettings(yaml('dpServer: { auth: { type: none, typ: none } }\nguiServr: {}\nguiServer: on\n')),
  );
  assert.match(found['dpServer.auth.type'] ?? '', /use KUMA_DP_SERVER_AUTHN_DP_PROXY_TYPE and/);
  assert.match(found['dpServer.auth.typ'] ?? '', /^unknown key/);
  assert.match(found.guiServr ?? '', /^unknown key/);
  assert.match(found.guiServer ?? '', /^unknown key/);
});

test('a deprecated setting works and is warned of', () => {
  const { warnings } = loadSettings({ env: { KUMA_RUNTIME_KUBERNETES_VIRTUAL_PROBES_ENABLED: 'true' } });
  assert.match(warnings[0] ?? '', /^KUMA_RUNTIME_KUBERNETES_VIRTUAL_PROBES_ENABLED is deprecated: use /);
});

test('settings are shown in the shape of the file, durations as text and secrets masked', () => {
  const shown = showSettings(defaultSettings({ 'store.postgres.password': 'hunter2' }));
  const text = JSON.stringify(shown);
  assert.ok(!text.includes('hunter2'));
  assert.deepEqual(Reflect.get(Reflect.get(shown, 'store') as object, 'cache'), {
    enabled: true,
    expirationTime: '1s',
  });
  assert.ok(text.includes('"password":"*****"'));
});

test('what is shown can be given back as a file', () => {
  const changed = defaultSettings({ 'apiServer.idleTimeout': 90_500, 'ipam.knownInternalCIDRs': ['10.0.0.0/8'] });
  const shown = JSON.stringify(showSettings(changed));
  assert.deepEqual(loadSettings(yaml(shown.replaceAll('"*****"', '"kuma"'))).settings, changed);
});

test('no name in the environment and no path is given out twice', () => {
  const all = [...walkSettings(settingsTable)];
  const names = all.flatMap(({ setting }) => setting.env ?? []);
  assert.equal(new Set(names).size, names.length);
  assert.equal(new Set(all.map(({ path }) => path)).size, all.length);
});

test('TLS settings are handed to servers in the words of Node and OpenSSL', () => {
  const suites = ['TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256', 'TLS_RSA_WITH_AES_256_CBC_SHA', 'TLS_AES_256_GCM_SHA384'];
  assert.deepEqual(tlsLimitsOf({ tlsMinVersion: 'TLSv1_3', tlsMaxVersion: '', tlsCipherSuites: [] }), {
    minVersion: 'TLSv1.3',
  });
  assert.deepEqual(tlsLimitsOf({ tlsMinVersion: '', tlsMaxVersion: 'TLSv1_2', tlsCipherSuites: suites }), {
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.2',
    ciphers: 'ECDHE-RSA-AES128-GCM-SHA256:AES256-SHA:TLS_AES_256_GCM_SHA384',
  });
});

test('the names of the cipher suites that the peer knows are names OpenSSL knows', () => {
  const kinds = ['RSA', 'ECDHE_RSA', 'ECDHE_ECDSA'];
  const ciphers = ['AES_128_CBC_SHA', 'AES_256_CBC_SHA', 'AES_128_GCM_SHA256', 'AES_256_GCM_SHA384'];
  const names = kinds.flatMap((kind) => ciphers.map((cipher) => `TLS_${kind}_WITH_${cipher}`));
  names.push('TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256', 'TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256');
  const known = new Set(getCiphers());
  const limits = tlsLimitsOf({ tlsMinVersion: '', tlsMaxVersion: '', tlsCipherSuites: names });
  const unknown = (limits.ciphers ?? '').split(':').filter((name) => !known.has(name.toLowerCase()));
  assert.deepEqual(unknown, []);
});

const reference = join(import.meta.dirname, '../../../../../shared/spec/reference.md');
const referenceSkip = existsSync(reference) ? false : 'the list of the peer is not beside this checkout';

test('every setting of the peer is known, with its default', { skip: referenceSkip }, () => {
  const known = new Map([...walkSettings(settingsTable)].map(({ path, setting }) => [setting.env, { path, setting }]));
  const text = readFileSync(reference, 'utf8');
  const rows = [...text.slice(text.indexOf('## s19')).matchAll(/^\| (KUMA_\w+) \| (.*) \|$/gm)];
  assert.ok(rows.length > 250);
  const differing = rows
    .flatMap(([, name = '', shown = '']) => {
      const placed = known.get(name);
      if (placed === undefined) return [name];
      const { setting } = placed;
      const text = shown
        .replace(/^"(.*)"$/, '$1')
        .replace(/^\[(.*)\]$/, (_, items: string) => items.replaceAll('"', ''));
      const theirs = shown === '{}' ? {} : setting.fromText(text);
      return JSON.stringify(theirs) === JSON.stringify(setting.default) ? [] : [name];
    })
    .filter((name) => name !== 'KUMA_STORE_TYPE');
  assert.deepEqual(differing, []);
});
