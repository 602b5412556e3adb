// What policies may not do is refused at its field, with the setting that allows it; everything else passes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { builtinPolicies, policyResourceTypes } from '@ursa/policies';
import { coreResourceTypes, createResourceTypes, MeshError, parseResource } from '@ursa/resources';
import { withHazardChecks } from '../../src/store/hazard-checks.ts';
import { openMemoryStore } from '../../src/store/memory-store.ts';
import { openResourceManager } from '../../src/store/resource-manager.ts';

const types = createResourceTypes([...coreResourceTypes, ...policyResourceTypes]);
const byDefault = ['host', 'admin'];
const all = ['host', 'admin', 'code', 'authorization', 'internal', 'log-environment'];

async function managerThatRefuses(refused: readonly string[]) {
  const labels = { mode: 'zone', zone: 'default', environment: 'universal', federated: false } as const;
  const manager = openResourceManager({ store: openMemoryStore(), types, labels, unsafeDelete: false });
  await manager.put(parseResource(types, { type: 'Mesh', name: 'default' }));
  return withHazardChecks(manager, builtinPolicies, refused);
}

const patch = (...appendModifications: object[]) =>
  parseResource(types, {
    type: 'MeshProxyPatch',
    mesh: 'default',
    name: 'a',
    spec: { default: { appendModifications } },
  });
const accessLog = (backend: object) =>
  parseResource(types, {
    type: 'MeshAccessLog',
    mesh: 'default',
    name: 'a',
    spec: { to: [{ targetRef: { kind: 'Mesh' }, default: { backends: [backend] } }] },
  });
const httpFilter = (value: string) => patch({ httpFilter: { operation: 'AddFirst', value } });

const adminListener = `
name: x
address: { socketAddress: { address: 0.0.0.0, portValue: 1234 } }
filterChains:
  - filters:
      - name: envoy.filters.network.tcp_proxy
        typedConfig:
          "@type": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy
          statPrefix: x
          cluster: kuma:envoy:admin
`;
const fileOfTheHost = `
name: x
typedConfig:
  "@type": type.googleapis.com/envoy.extensions.filters.network.direct_response.v3.Config
  response: { filename: /etc/shadow }
`;
const variableOfTheHost = fileOfTheHost.replace('filename: /etc/shadow', 'environment_variable: AWS_SECRET_ACCESS_KEY');
const lua = (source: string) => `
name: envoy.filters.http.lua
typedConfig:
  "@type": type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua
  defaultSourceCode: ${source}
`;
const cluster = (address: string) => `
name: x
connectTimeout: 1s
type: STATIC
loadAssignment: { clusterName: x, endpoints: [{ lbEndpoints: [{ endpoint: { address: ${address} } }] }] }
`;
const logTo = (path: string) => `
name: envoy.filters.network.tcp_proxy
typedConfig:
  "@type": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy
  statPrefix: x
  cluster: y
  accessLog:
    - name: file
      typedConfig: { "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog, path: ${path} }
`;

const cases = [
  [
    'a listener that leads to the admin interface',
    'admin',
    patch({ listener: { operation: 'Add', value: adminListener } }),
  ],
  ['an answer made of a file', 'host', patch({ networkFilter: { operation: 'AddFirst', value: fileOfTheHost } })],
  [
    'an answer made of a variable',
    'host',
    patch({ networkFilter: { operation: 'AddFirst', value: variableOfTheHost } }),
  ],
  [
    'an access log in a file',
    'host',
    patch({ networkFilter: { operation: 'AddFirst', value: logTo('/etc/cron.d/x') } }),
  ],
  ['a script of a file', 'host', httpFilter(lua('{ filename: /tmp/x.lua }'))],
  [
    'a socket of the host',
    'host',
    patch({ cluster: { operation: 'Add', value: cluster('{ pipe: { path: /run/docker.sock } }') } }),
  ],
  [
    'a file, by a patch of JSON',
    'host',
    patch({
      listener: {
        operation: 'Patch',
        jsonPatches: [{ op: 'add', path: '/filterChains/0/x/filename', value: '/etc/shadow' }],
      },
    }),
  ],
  ['a script', 'code', httpFilter(lua('{ inlineString: "function envoy_on_request(handle) end" }'))],
  [
    'removal of the filter that guards',
    'authorization',
    patch({ httpFilter: { operation: 'Remove', match: { name: 'envoy.filters.http.rbac' } } }),
  ],
  ['removal of all filters', 'authorization', patch({ networkFilter: { operation: 'Remove' } })],
  [
    'removal of filters, by a patch of JSON',
    'authorization',
    patch({ listener: { operation: 'Patch', jsonPatches: [{ op: 'remove', path: '/filterChains/0/filters/0' }] } }),
  ],
  [
    'the metadata of the cloud',
    'internal',
    patch({
      cluster: { operation: 'Add', value: cluster('{ socketAddress: { address: 169.254.169.254, portValue: 80 } }') },
    }),
  ],
  [
    'variables in a log',
    'log-environment',
    accessLog({ type: 'Tcp', tcp: { address: 'a:1', format: { type: 'Plain', plain: '%ENVIRONMENT(HOME)%' } } }),
  ],
] as const;

for (const [what, kind, draft] of cases) {
  test(`${what} is refused where "${kind}" is, and nowhere else`, async () => {
    const refusing = await managerThatRefuses([kind]);
    for (const write of [
      refusing.put(draft),
      refusing.putAll([draft]),
      refusing.check(draft),
      refusing.preview([draft], []),
    ]) {
      await assert.rejects(write, (error: unknown) => {
        assert.ok(error instanceof MeshError && error.code === 'invalid');
        assert.match(error.violations[0]?.field ?? '', /^spec\.(?:default\.appendModifications\[0\]|to\[0\])\./);
        assert.ok(error.message.includes(`take "${kind}" out of policies.refusedHazards`), error.message);
        return true;
      });
    }
    const others = await managerThatRefuses(all.filter((other) => other !== kind && other !== 'code'));
    assert.ok((await others.put(draft)).created, 'other kinds do not concern it');
    const usual = await managerThatRefuses(byDefault);
    if (byDefault.includes(kind)) await assert.rejects(usual.put(draft));
    else assert.ok((await usual.put(draft)).created);
  });
}

test('what is no hazard is never refused', async () => {
  const manager = await managerThatRefuses(all);
  for (const draft of [
    patch({ networkFilter: { operation: 'AddFirst', value: logTo('/dev/stdout') } }),
    patch({ cluster: { operation: 'Patch', value: 'connectTimeout: 5s' } }),
    patch({
      httpFilter: {
        operation: 'Patch',
        match: { name: 'envoy.filters.http.router' },
        value: 'name: envoy.filters.http.router',
      },
    }),
    patch({ cluster: { operation: 'Add', value: cluster('{ socketAddress: { address: 10.0.0.1, portValue: 80 } }') } }),
    accessLog({
      type: 'File',
      file: { path: '/tmp/log', format: { type: 'Plain', plain: '%START_TIME% ENVIRONMENT(X)' } },
    }),
  ]) {
    await manager.put(draft);
  }
});

test('a kind that there is not is named at the start', async () => {
  await assert.rejects(
    managerThatRefuses(['files']),
    /KUMA_POLICIES_REFUSED_HAZARDS.*"files" is not one of host, admin/,
  );
});
