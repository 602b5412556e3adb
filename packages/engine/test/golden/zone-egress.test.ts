// The golden set `xds-zoneegress`: what a zone egress gets. `../shared` lies beside the repository.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { resourceJson } from '@ursa/envoy';
import { parse, parseAllDocuments } from 'yaml';
import { features } from '../../src/features.ts';
import { createWorld } from '../world.ts';

const set = join(import.meta.dirname, '../../../../../shared/conformance/golden/xds-zoneegress');

interface Case {
  readonly id: string;
  readonly resources: string;
  readonly unifiedResourceNaming: boolean;
  readonly expected: string;
}

type Json = Record<string, unknown>;

/** What a certificate looks like, with nothing in it. */
const outline = '-----BEGIN CERTIFICATE-----\nMBMwDQIBATAAMAAwADAAMAAwAAMA\n-----END CERTIFICATE-----';

/** Where the set is read otherwise than it stands, by case: `input` and `expected` are rewritten as texts. */
const readings: readonly {
  readonly cases: RegExp;
  readonly reason: string;
  readonly input?: (text: string) => string;
  readonly expected?: (text: string) => string;
}[] = [
  {
    cases: /^0[456]/,
    reason:
      'the permission stands in a mesh named zone-1, which is not there; the peer, below its API, takes it for every mesh',
    input: (text) => text.replaceAll('mesh: zone-1', 'mesh: mesh-1'),
    expected: (text) => text.replaceAll('spiffe://zone-1/', 'spiffe://mesh-1/'),
  },
  {
    cases: /^0[456]/,
    reason: '`networking.tls.sni` is no field; below its API the peer drops it without a word',
    input: (text) => text.replaceAll('    sni: httpbin.org\n', ''),
  },
  {
    cases: /^0[45]/,
    reason: 'a certificate authority of the three letters xyz is none, and gives no servers (decision 0300)',
    input: (text) => text.replaceAll('inlineString: xyz', `inlineString: ${JSON.stringify(outline)}`),
    expected: (text) => text.replaceAll(btoa('xyz'), btoa(outline)),
  },
  {
    cases: /^06/,
    reason: 'a tag named `mesh` stands among the tags of a service; the mesh of the entry says the same',
    input: (text) => text.replaceAll('    kuma.io/zone: zone-2\n    mesh: mesh-1\n', '    kuma.io/zone: zone-2\n'),
  },
  {
    cases: /^same-kuma-io-service/,
    reason: 'the permission of one mesh is taken for the service of the other; below its API the peer asks for no mesh',
    expected: (text) => {
      const at = text.lastIndexOf('allow-all-traffic-1:');
      return `${text.slice(0, at)}allow-all-traffic-2:${text.slice(at + 'allow-all-traffic-1:'.length)}`;
    },
  },
  {
    cases: /unified-naming/,
    reason: 'secrets come from another generator, which the set runs with the former names',
    expected: (text) =>
      text
        .replaceAll('identity_cert:secret:mesh-1', 'system_mtls_identity_mesh-1')
        .replaceAll('mesh_ca:secret:mesh-1', 'system_mtls_ca_mesh-1'),
  },
  {
    cases: /unified-naming/,
    reason:
      'the peer looks a permission up under the new name of the service, finds none and refuses everybody; it is there',
    expected: (text) =>
      text.replace(
        'rules: {}\n          statPrefix: mesh-1_externalservice-1.',
        'rules: {policies: {allow-all-traffic: {permissions: [{any: true}], principals: [{any: true}]}}}\n          statPrefix: mesh-1_externalservice-1.',
      ),
  },
];

/** Cases in which more is served than the peer serves, with what is and why. */
const served: Readonly<Record<string, { readonly more: readonly string[]; readonly reason: string }>> = {
  '04.mixed-services-custom-trafficroute.golden.yaml': {
    more: ['mesh-1:externalservice-1', 'mesh-1:service-1-zone-2', 'mesh-1:service-2-zone-2'],
    reason:
      'a TrafficRoute says where calls go, and closes nothing: proxies send the others to their service, as without it',
  },
};

const readingsOf = ({ id }: Case) => readings.filter(({ cases }) => cases.test(id));

function inputsOf(item: Case): readonly Json[] {
  const text = readFileSync(join(set, item.resources), 'utf8');
  const read = readingsOf(item).reduce((current, { input = (same) => same }) => input(current), text);
  // A Mesh comes first, and without the policies that a new one gets: the set has none.
  const documents = parseAllDocuments(read).map((document) => document.toJS() as Json);
  return documents
    .map((document) => (document.type === 'Mesh' ? { ...document, skipCreatingInitialPolicies: ['*'] } : document))
    .sort((first, second) => Number(second.type === 'Mesh') - Number(first.type === 'Mesh'));
}

function expectedOf(item: Case): readonly Json[] {
  const text = readFileSync(join(set, item.expected), 'utf8');
  const read = readingsOf(item).reduce((current, { expected = (same) => same }) => expected(current), text);
  return (parse(read) as { readonly resources: readonly { readonly resource: Json }[] }).resources.map(
    ({ resource: { '@type': _, ...fields } }) => fields,
  );
}

/** Certificates are made here, and texts in the set, which also runs without the control plane's setting of private networks. */
const comparable = (resources: readonly Json[]): readonly Json[] =>
  JSON.parse(
    JSON.stringify(resources, (key, inner: unknown) => {
      if (key === 'internalAddressConfig') return undefined;
      return key === 'inlineBytes' && inner !== 'eHl6' ? '' : inner;
    }),
  ) as readonly Json[];

const nameOf = (resource: Json) => String(resource.name ?? resource.clusterName);
/** Clusters and their endpoints share a name. */
const sorted = (resources: readonly Json[]) =>
  resources.toSorted((first, second) => (sortKey(first) < sortKey(second) ? -1 : 1));
const sortKey = (resource: Json) => `${nameOf(resource)} ${'clusterName' in resource}`;
const serverNames = (chain: Json) => String((chain.filterChainMatch as Json).serverNames);

/** Without the resources and the filter chains of these clusters. */
function without(resources: readonly Json[], clusters: readonly string[]): readonly Json[] {
  const isLeftOut = (chain: Json) => clusters.some((name) => serverNames(chain).startsWith(`${name.split(':')[1]}{`));
  return resources
    .filter((resource) => !clusters.includes(nameOf(resource)))
    .map((resource) =>
      Array.isArray(resource.filterChains)
        ? { ...resource, filterChains: (resource.filterChains as Json[]).filter((chain) => !isLeftOut(chain)) }
        : resource,
    );
}

test('the golden set xds-zoneegress', {
  skip: existsSync(set) ? false : 'conformance data is not beside the repository',
}, async (suite) => {
  const { cases } = JSON.parse(readFileSync(join(set, 'cases.json'), 'utf8')) as { readonly cases: readonly Case[] };
  for (const item of cases) {
    await suite.test(item.id, () => {
      const world = createWorld(undefined, 'zone-1');
      for (const document of inputsOf(item)) world.apply(document);
      // The set is stored below the API, where nothing gives labels.
      const externals = world.resources('MeshExternalService');
      for (const resource of [...externals.keys()].flatMap((stored) => externals.get(stored) ?? [])) {
        externals.set(`${resource.mesh}/${resource.name}`, { ...resource, labels: {} });
      }
      world.settle();
      const announced = item.unifiedResourceNaming ? [features.unifiedNaming] : [];
      const key = world.connect('', 'zoneegress-1', { proxyType: 'egress', features: announced });
      const config = world.engine.config.get(key);
      assert.ok(config);
      const { cluster, endpoint, listener, secret } = config.resources;
      const made = [cluster, endpoint, listener, secret]
        .flatMap((resources) => [...resources.values()])
        .filter(({ name }) => !/admin|readiness/.test(name))
        .map((resource) => resourceJson(resource) as Json);
      const { more } = served[item.id] ?? { more: [] };
      for (const name of more)
        assert.ok(
          made.some((resource) => nameOf(resource) === name),
          `${name} is not served`,
        );
      assert.deepEqual(sorted(comparable(without(made, more))), sorted(comparable(expectedOf(item))));
    });
  }
});
