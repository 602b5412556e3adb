// Random MeshIdentities and MeshTrusts, for the guard "incremental = from scratch".
import fc from 'fast-check';

const mesh = fc.constantFrom('one', 'two');
const name = fc.constantFrom('i1', 'i2');
const pem = (text: string) => `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`;

const identity = fc
  .record({
    mesh,
    name,
    selector: fc.constantFrom(
      undefined,
      { dataplane: { matchLabels: {} } },
      { dataplane: { matchLabels: { app: 'web' } } },
    ),
    trustDomain: fc.constantFrom(undefined, 'partner.example'),
    // The label of the first is not on every proxy, that of the last on none.
    path: fc.constantFrom('/{{ label "app" }}', '/all', '/{{ .Workload }}'),
    provider: fc.constantFrom(
      { type: 'Bundled', bundled: { autogenerate: { enabled: true } } },
      { type: 'Spire', spire: { agent: { timeout: '2s' } } },
    ),
  })
  .map(({ selector, trustDomain, path, provider, ...key }) => ({
    type: 'MeshIdentity',
    ...key,
    spec: {
      ...(selector === undefined ? {} : { selector }),
      spiffeID: { path, ...(trustDomain === undefined ? {} : { trustDomain }) },
      provider,
    },
  }));

const trust = fc
  .record({
    mesh,
    name,
    trustDomain: fc.constantFrom('one.default.mesh.local', 'partner.example'),
    values: fc.uniqueArray(fc.constantFrom('a', 'b'), { minLength: 1 }),
  })
  .map(({ trustDomain, values, ...key }) => ({
    type: 'MeshTrust',
    ...key,
    spec: { trustDomain, caBundles: values.map((value) => ({ type: 'Pem', pem: { value: pem(value) } })) },
  }));

/** A MeshIdentity or a MeshTrust. */
export const identityDocument = fc.oneof(identity, trust);

/** Which one goes. */
export const identityKey = fc
  .record({ type: fc.constantFrom('MeshIdentity', 'MeshTrust'), mesh, name })
  .map(({ type, mesh: of, name: own }) => ({ type, key: `${of}/${own}` }));
