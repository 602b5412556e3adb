// One request for every route of the API, and what it needs: written down here once more, apart from the code that decides.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AccessVerb, ResourceType, ResourceTypes } from '@ursa/resources';
import { parseAllDocuments } from 'yaml';
import { exampleOf } from '../../../resources/test/examples.ts';
import type { Route } from '../../src/api/http/route.ts';

/** What a caller needs for a request, by either kind of access control. */
export interface Need {
  /** A list of the settings; undefined: everybody may. */
  readonly list: string | undefined;
  /** Verbs, all of them; none: everybody may. `keys`: and the caller has to be known. */
  readonly verbs: readonly AccessVerb[];
  readonly keys?: true;
  /** The one mesh it is about; '' for all, and for what belongs to none. */
  readonly mesh: string;
}

export interface MatrixRequest {
  readonly method: Route['method'];
  readonly url: string;
  readonly body?: unknown;
  readonly need: Need;
}

/** Name under which a resource of every type is stored, in each mesh. */
export const storedName = 'stored';
const absentName = 'absent';
/** What the request to apply would write. */
export const appliedKey = { type: 'Workload', mesh: 'default', name: absentName } as const;

const listTypes = new Set([
  'AccessAudit',
  'AccessRole',
  'AccessRoleBinding',
  'GlobalSecret',
  'HostnameGenerator',
  'Secret',
  'Zone',
]);
const keyTypes = new Set(['GlobalSecret', 'Secret']);

/** All requests for a route, in one mesh. Throws for a route that is not known here: who adds one says what it needs. */
export function requestsOf(route: Route, types: ResourceTypes, mesh: string): readonly MatrixRequest[] {
  const { method, path } = route;
  const url = (name: string) => fill(path, mesh, name);
  const inMesh = path.includes('{mesh}') ? mesh : '';
  const free: Need = { list: undefined, verbs: [], mesh: inMesh };
  const special = specialNeed(`${method} ${path}`, inMesh);
  if (special !== undefined) {
    const body = bodies[path]?.(mesh, types);
    return [{ method, url: url(storedName), need: special, ...(body === undefined ? {} : { body }) }];
  }
  const type = types.byName(route.tag);
  if (type === undefined) {
    if (method !== 'GET') throw new Error(`${method} ${path}: say in this file what it needs`);
    return [{ method, url: url(storedName), need: free }];
  }
  // Nobody writes them, so nobody is refused for who they are.
  if (type.readOnly) return [{ method, url: url(storedName), need: free, ...(method === 'PUT' ? { body: {} } : {}) }];
  const list = listTypes.has(type.name) ? 'adminResources' : undefined;
  // A mesh is within itself.
  const about = (name: string) => (type.name === 'Mesh' ? name : inMesh);
  if (method === 'GET') {
    const keys = keyTypes.has(type.name);
    const need: Need = keys ? { list, verbs: ['UPDATE'], keys: true, mesh: inMesh } : { ...free, list };
    return [{ method, url: url(storedName), need }];
  }
  if (method === 'DELETE')
    return [{ method, url: url(absentName), need: { list, verbs: ['DELETE'], mesh: about(absentName) } }];
  return [storedName, absentName].map((name) => ({
    method,
    url: `${url(name)}?dryRun=true`,
    body: documentOf(type, mesh, name),
    need: { list, verbs: [name === storedName ? 'UPDATE' : 'CREATE'], mesh: about(name) },
  }));
}

/** Needs of what is not the reading or writing of one type. */
function specialNeed(route: string, mesh: string): Need | undefined {
  const need = (list: string | undefined, ...verbs: readonly AccessVerb[]): Need => ({ list, verbs, mesh });
  if (route.endsWith('/_explain') || route.endsWith('/_config') || route.endsWith('/xds'))
    return need('viewConfigDump', 'VIEW_CONFIG_DUMP');
  if (route.endsWith('/stats')) return need('viewStats', 'VIEW_STATS');
  if (route.endsWith('/clusters')) return need('viewClusters', 'VIEW_CLUSTERS');
  switch (route) {
    case 'GET /config':
      return need('controlPlaneMetadata');
    case 'GET /_log':
      return need('adminResources');
    case 'POST /tokens/dataplane':
      return { ...need('generateDpToken', 'GENERATE_DATAPLANE_TOKEN'), mesh: 'default' };
    case 'POST /tokens/join-code':
      return { ...need('generateDpToken', 'GENERATE_DATAPLANE_TOKEN'), mesh: 'default' };
    case 'POST /tokens/zone':
      return need('generateZoneToken', 'GENERATE_ZONE_TOKEN');
    case 'POST /tokens/user':
      return need('generateUserToken', 'GENERATE_USER_TOKEN');
    case 'POST /_apply':
      return { ...need(undefined, 'CREATE'), mesh: 'default' };
    case 'POST /_diff':
      return { ...need('viewConfigDump', 'CREATE', 'VIEW_CONFIG_DUMP'), mesh: 'default' };
    default:
      return undefined;
  }
}

const bodies: Readonly<Record<string, (mesh: string, types: ResourceTypes) => unknown>> = {
  '/tokens/dataplane': () => ({ mesh: 'default', validFor: '1h' }),
  '/tokens/join-code': () => ({ mesh: 'default' }),
  '/tokens/zone': () => ({ zone: 'east', scope: ['ingress'], validFor: '1h' }),
  '/tokens/user': () => ({ name: 'x', validFor: '1h' }),
  '/_apply': () => ({ resources: [{ ...appliedKey, spec: {} }] }),
  '/_diff': () => ({ resources: [{ ...appliedKey, spec: {} }] }),
};

function fill(path: string, mesh: string, name: string): string {
  const parts: Readonly<Record<string, string>> = {
    mesh,
    name,
    serviceType: 'meshservices',
    kri: `kri_mt_${mesh}___x_`,
  };
  return path.replaceAll(/\{(\w+)\}/g, (_, parameter: string) => parts[parameter] ?? 'x');
}

/** A document of the type that can be read: the example of the core's types, for policies the first of their scenarios. */
export function documentOf(type: ResourceType, mesh: string, name: string): Record<string, unknown> {
  const { labels: _labels, ...document } =
    type.policy?.isTargetRef === true ? policyDocument(type.name) : exampleOf(type.name, type.specForm, type.scope);
  return { ...document, name, ...(type.scope === 'Mesh' ? { mesh } : {}) };
}

const policies = join(import.meta.dirname, '../../../policies/src');
const known = new Map<string, Record<string, unknown>>();

function policyDocument(type: string): Record<string, unknown> {
  const found = known.get(type) ?? readPolicy(type);
  known.set(type, found);
  return found;
}

function readPolicy(type: string): Record<string, unknown> {
  const folder = type.replaceAll(/(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/g, '-').toLowerCase();
  const scenarios = join(policies, folder, 'scenarios');
  for (const scenario of readdirSync(scenarios).sort()) {
    const documents = parseAllDocuments(readFileSync(join(scenarios, scenario, 'mesh.yaml'), 'utf8'));
    for (const document of documents as { toJS(): unknown }[]) {
      const content = document.toJS() as Record<string, unknown>;
      if (content?.type === type) return content;
    }
  }
  throw new Error(`no scenario of ${type} has a document of it`);
}
