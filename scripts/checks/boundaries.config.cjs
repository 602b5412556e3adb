// Who may import whom: the design's dependency directions as rules of dependency-cruiser.

const source = (name) => `^packages/${name}/(src|gen)/`;
const anyPackage = '^packages/[^/]+/';

/** A package may import itself and the packages named; nothing else of ours. */
const packageRule = (name, allowed) => ({
  name: `${name}-imports`,
  severity: 'error',
  from: { path: source(name) },
  to: { path: anyPackage, pathNot: [name, ...allowed].map((other) => `^packages/${other}/`) },
});

/** Pure packages touch no runtime API. */
const pureRule = (name) => ({
  name: `${name}-is-pure`,
  severity: 'error',
  from: { path: source(name) },
  to: { dependencyTypes: ['core'] },
});

/** Layers of the control plane, left to right: a layer imports only what stands before it. */
const layers = [['config'], ['store'], ['identity'], ['delta'], ['instances'], ['xds', 'kds', 'insights', 'generators'], ['api', 'kubernetes']];
const layerRules = layers.flatMap((group, index) =>
  group.map((layer) => ({
    name: `control-plane-${layer}-looks-left`,
    severity: 'error',
    from: { path: `^packages/control-plane/src/${layer}/` },
    to: {
      path: `^packages/control-plane/src/(compose\\.ts|compose/|main\\.ts|${layers.slice(index).flat().filter((other) => other !== layer).map((other) => `${other}/`).join('|')})`,
    },
  })),
);

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } } },
    { name: 'planted', severity: 'error', from: { path: 'planted/violation' }, to: { path: 'planted/forbidden' } },
    packageRule('resources', []),
    packageRule('collections', []),
    packageRule('envoy', []),
    packageRule('certificates', []),
    packageRule('telemetry', []),
    packageRule('transparent-proxy', ['resources']),
    packageRule('policy', ['resources', 'envoy']),
    packageRule('policies', ['policy', 'resources', 'envoy']),
    packageRule('engine', ['policy', 'collections', 'resources', 'envoy']),
    packageRule('data-plane', ['resources', 'envoy', 'telemetry', 'transparent-proxy']),
    packageRule('kumactl', ['certificates', 'transparent-proxy', 'resources', 'engine', 'policies', 'policy', 'collections']),
    ...['resources', 'collections', 'envoy', 'certificates', 'transparent-proxy', 'policy', 'policies', 'engine'].map(pureRule),
    {
      name: 'only-compose-imports-policies',
      severity: 'error',
      from: { path: source('control-plane'), pathNot: '^packages/control-plane/src/compose' },
      to: { path: '^packages/policies/' },
    },
    ...layerRules,
  ],
  options: {
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: ['/test/', '^dist/'] },
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'], extensions: ['.ts', '.js'] },
  },
};
