// A scenario as a real Envoy can be shown it: with certificates and keys that can be read, and changes to its resources that are taken back again.
import type { Source } from '@ursa/collections';
import { builtinPolicies } from '@ursa/policies';
import {
  computeLabels,
  coreResourceTypes,
  createResourceTypes,
  MeshError,
  parseResource,
  type Resource,
  type ResourceType,
} from '@ursa/resources';
import type { AdminIdentity, ConnectedProxy, ProxyConfig } from '../../src/index.ts';
import { openScenario } from '../scenario.ts';
import { realPem } from './hostile-values.ts';

/** Extensions of this project's Envoy do not include the Kafka filter. */
const extensions = ['envoy.filters.network.tcp_proxy'];
const labelContext = { mode: 'zone', zone: 'default', environment: 'universal', federated: false } as const;

/** All resource types that there are. */
export const allTypes = createResourceTypes([
  ...coreResourceTypes,
  ...builtinPolicies.map(({ resourceType }) => resourceType),
]);

/** A resource of a scenario, with its type. */
export interface ShownResource {
  readonly type: ResourceType;
  readonly key: string;
  readonly resource: Resource;
}

/** What a resource is known by, as far as its author writes it. */
export interface Head {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** A scenario that is shown. */
export interface ShownScenario {
  readonly folder: string;
  /** Proxies with an expectation. */
  readonly proxies: readonly string[];
  readonly resources: readonly ShownResource[];
  /** Undefined for a proxy whose resource says no address. */
  configOf(proxy: string): ProxyConfig | undefined;
  /** What the validators make of another spec, or another name and labels, for a resource; undefined when they refuse it. */
  accepted(of: ShownResource, spec: unknown, head?: Partial<Head>): Resource | undefined;
  /** What a look finds while a resource is another one, or is there though it is none of the scenario's. */
  whileIs<Found>(of: ShownResource, changed: Resource, look: () => Found): Found;
}

/** Opens a scenario. `workdir` is where the proxies' sockets are, `renamed` another name for its mesh. */
export function openShownScenario(
  folder: string,
  identity: AdminIdentity,
  workdir: string,
  renamed?: string,
): ShownScenario {
  const scenario = openScenario(folder, renamed);
  const { world, mesh, settings, proxies } = scenario;
  const { inputs } = world;
  for (const type of allTypes.all) {
    const source = world.resources(type.name);
    for (const key of [...source.keys()]) {
      const resource = source.get(key) as Resource;
      source.set(key, { ...resource, spec: readable(resource.spec, identity) as never });
    }
  }
  const keys = new Map<string, string>();
  for (const proxy of proxies) {
    const facts = settings.proxies?.[proxy];
    const given: Partial<ConnectedProxy> = {
      ...facts,
      extensions,
      workdir,
      admin: { port: 9901, address: '127.0.0.1', socketPath: `${workdir}/admin.sock`, ...facts?.admin },
    };
    keys.set(proxy, world.connect(facts?.proxyType === 'egress' ? '' : mesh, proxy, given));
  }
  for (const source of [inputs.identities, inputs.trust, world.sources.adminIdentities] as Source<object>[])
    for (const key of [...source.keys()]) source.set(key, readable(source.get(key), identity) as object);
  const resources = allTypes.all.flatMap((type) =>
    [...world.resources(type.name).keys()].map((key) => ({
      type,
      key,
      resource: world.resources(type.name).get(key) as Resource,
    })),
  );
  return {
    folder,
    proxies,
    resources,
    configOf: (proxy) => world.engine.config.get(keys.get(proxy) ?? ''),
    accepted({ type, resource }, spec, head = {}) {
      const { mesh: ofMesh, labels } = resource;
      const { name = resource.name, labels: own = {} } = head;
      const meshField = type.scope === 'Mesh' ? { mesh: ofMesh } : {};
      const given = readable(spec, identity);
      const content = type.specForm === 'nested' ? { spec: given } : (given as object);
      const { stackTraceLimit } = Error;
      // Most values are refused, and nobody asks where.
      Error.stackTraceLimit = 0;
      try {
        const draft = parseResource(
          allTypes,
          { ...content, type: type.name, ...meshField, name, labels: own },
          { labels: labelContext },
        );
        const computed = computeLabels(type, draft, labelContext);
        return { ...resource, ...draft, labels: { ...computed, ...labels, ...own } };
      } catch (error) {
        if (error instanceof MeshError) return undefined;
        throw error;
      } finally {
        Error.stackTraceLimit = stackTraceLimit;
      }
    },
    whileIs({ type, key, resource }, changed, look) {
      const { networking } = changed.spec as { readonly networking?: { readonly address?: unknown } };
      // The control plane looks host names up: here each leads to one host.
      if (typeof networking?.address === 'string') world.sources.hostAddresses.set(networking.address, '127.0.0.1');
      const source = world.resources(type.name);
      const changedKey = `${changed.mesh}/${changed.name}`;
      const stored = source.get(key) !== undefined;
      if (changedKey !== key && stored) source.delete(key);
      source.set(changedKey, changed);
      try {
        return look();
      } finally {
        if (changedKey !== key || !stored) source.delete(changedKey);
        if (stored) source.set(key, resource);
      }
    },
  };
}

/** The same with a certificate and a key that are ones in the place of words that stand for them, and of what scenarios have for short. */
function readable(value: unknown, identity: AdminIdentity, field = ''): unknown {
  if (Array.isArray(value)) return value.map((each) => readable(each, identity));
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, readable(each, identity, key)]));
  const form = (text: string): string => (field === 'inline' ? Buffer.from(text).toString('base64') : text);
  if (value === realPem.certificate || isShort(value, 'CERTIFICATE')) return form(identity.certificateChain);
  return value === realPem.key || isShort(value, 'PRIVATE KEY') ? form(identity.privateKey) : value;
}

const shortPem = /^-----BEGIN [A-Z ]+-----\n[a-z./0-9-]+\n-----END/;

/** A name in the place of what would be encoded, as the scenarios and their world have it. */
function isShort(value: unknown, kind: string): boolean {
  return typeof value === 'string' && value.startsWith(`-----BEGIN ${kind}-----`) && shortPem.test(value);
}
