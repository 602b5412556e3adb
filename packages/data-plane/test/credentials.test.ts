// Token and authority in files of Envoy's: what becomes of a bootstrap, and of files that change.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { openCredentials } from '../src/bootstrap/credentials.ts';
import { withSecretFiles } from '../src/bootstrap/reloaded-secrets.ts';
import { createLog } from '../src/log.ts';

const bootstrapOf = (token = 'the-token') => `
dynamicResources:
  adsConfig:
    grpcServices:
      - envoyGrpc: {clusterName: ads_cluster}
        initialMetadata: [{key: authorization, value: ${token}}, {key: other, value: stays}]
hdsConfig:
  grpcServices:
    - envoyGrpc: {clusterName: ads_cluster}
      initialMetadata: [{key: authorization, value: ${token}}]
staticResources:
  clusters:
    - name: access_log_sink
      typedExtensionProtocolOptions:
        envoy.extensions.upstreams.http.v3.HttpProtocolOptions: {explicitHttpConfig: {http2ProtocolOptions: {}}}
    - name: ads_cluster
      transportSocket:
        typedConfig: {commonTlsContext: {validationContextSdsSecretConfig: {name: cp_validation_ctx}}}
      typedExtensionProtocolOptions:
        envoy.extensions.upstreams.http.v3.HttpProtocolOptions: {explicitHttpConfig: {http2ProtocolOptions: {}}}
  secrets:
    - name: cp_validation_ctx
      validationContext: {matchTypedSubjectAltNames: [{sanType: DNS, matcher: {exact: localhost}}], trustedCa: {inlineBytes: QQ==}}
`;

test('the token goes from the bootstrap into a file that each request to the control plane reads', () => {
  const { yaml } = withSecretFiles(bootstrapOf(), { token: '/w/token.json', authority: undefined });
  assert.doesNotMatch(yaml, /the-token/);
  const { dynamicResources, hdsConfig, staticResources } = parse(yaml);
  assert.deepEqual(dynamicResources.adsConfig.grpcServices[0].initialMetadata, [{ key: 'other', value: 'stays' }]);
  assert.deepEqual(hdsConfig.grpcServices[0].initialMetadata, []);
  const [sink, ads] = staticResources.clusters.map(
    (cluster: { typedExtensionProtocolOptions: object }) => Object.values(cluster.typedExtensionProtocolOptions)[0],
  );
  assert.equal(sink.httpFilters, undefined);
  assert.equal(ads.httpFilters.length, 2);
  assert.equal(
    ads.httpFilters[0].typedConfig.credential.typedConfig.credential.sdsConfig.pathConfigSource.path,
    '/w/token.json',
  );
  assert.equal(
    staticResources.clusters[1].transportSocket.typedConfig.commonTlsContext.validationContextSdsSecretConfig.sdsConfig,
    undefined,
  );
});

test('the authority alone is followed where the token was given by value', () => {
  const { yaml, verification } = withSecretFiles(bootstrapOf(), { token: undefined, authority: '/w/ca.json' });
  assert.match(yaml, /the-token/);
  assert.match(yaml, /path: \/w\/ca.json/);
  assert.deepEqual(Object.keys(verification ?? {}), ['matchTypedSubjectAltNames', 'trustedCa']);
});

test("a bootstrap for Google's client, which reads the token itself, stays as it is", () => {
  const google = bootstrapOf().replaceAll(
    'envoyGrpc: {clusterName: ads_cluster}',
    'googleGrpc: {targetUri: "localhost:5678"}',
  );
  const { yaml, verification } = withSecretFiles(google, { token: '/w/token.json', authority: '/w/ca.json' });
  assert.deepEqual([yaml, verification], [google, undefined]);
});

test('what was given by value is neither followed nor written', (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'ursa-credentials-'));
  const path = join(folder, 'token');
  writeFileSync(path, 'in the file');
  const trust = { caCert: '', source: '', systemCa: undefined, skipVerify: false };
  const log = createLog({ level: 'info', format: 'text', write: () => {} });
  const open = (token: string) =>
    openCredentials({ settings: { token, tokenPath: path, caCert: '', caCertFile: '' }, token: 'one', trust, log });
  const [byValue, byFile] = [open('one'), open('')];
  context.after(() => {
    byValue.close();
    byFile.close();
    rmSync(folder, { recursive: true, force: true });
  });
  assert.equal(
    parse(byValue.reloadable(bootstrapOf('one'), folder)).hdsConfig.grpcServices[0].initialMetadata.length,
    1,
  );
  assert.throws(() => readFileSync(join(folder, 'control-plane-token.json')), { code: 'ENOENT' });
  byFile.reloadable(bootstrapOf('one'), folder);
  const written = JSON.parse(readFileSync(join(folder, 'control-plane-token.json'), 'utf8'));
  assert.equal(written.resources[0].genericSecret.secret.inlineString, 'one');
});
