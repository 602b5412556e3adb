// The end of a way that leaves the mesh: through which egress, who lets the client out, and how the server will be checked.
import { type EnvoyNames, legacyNames, resourceJson, unifiedNames } from '@ursa/envoy';
import type { ClientIdentity } from '@ursa/policy';
import type { ExternalServiceSpec, Resource } from '@ursa/resources';
import type { DataplaneFacts } from '../dataplane-facts.ts';
import type { Destination } from '../destinations.ts';
import { clientWithoutIdentity } from '../identity/egress-identity.ts';
import { finding } from '../lint/finding.ts';
import { externalServiceLookup } from '../outside/outside-destinations.ts';
import {
  externalServiceFacts,
  meshExternalServiceFacts,
  type OutsideEndpoint,
  type OutsideFacts,
  type TlsFacts,
} from '../outside/outside-facts.ts';
import { destinationName } from '../skeleton/outbound.ts';
import type { Course, Ends } from './explain.ts';
import { type ExplainParts, keyOfProxy } from './explain-parts.ts';
import type { Explanation } from './explanation.ts';
import { nameOf } from './find-outbound.ts';
import { decideAt, olderAt, type Permission } from './permission.ts';

/** Who leaves, and where to. */
export interface Leaving {
  readonly client: DataplaneFacts;
  readonly destination: Destination;
  readonly names: EnvoyNames;
  readonly identity: ClientIdentity | undefined;
  /** True when the client's proxy speaks mTLS to an egress. */
  readonly secured: boolean;
}

/** The resources behind a destination outside, by key. */
function resourcesOf({ inputs }: ExplainParts, { mesh, target }: Destination): ReadonlyMap<string, Resource> {
  const [type, keys] =
    target.kind === 'service'
      ? (['ExternalService', externalServiceLookup(inputs)(mesh, target.service)] as const)
      : (['MeshExternalService', [`${mesh}/${target.id.name}`]] as const);
  const all = inputs.resources(type);
  return new Map(keys.flatMap((key) => [all.get(key)].flatMap((found) => (found === undefined ? [] : [[key, found]]))));
}

/** Follows the request out of the mesh. Whether the server answers, and how, shows only when it is called. */
export function leave(parts: ExplainParts, course: Course, leaving: Leaving, { end, stop }: Ends): Explanation {
  const { client, destination, names } = leaving;
  const { outside, source, mesh } = destination;
  const name = nameOf(destination);
  const resources = resourcesOf(parts, destination);
  const facts = [...resources.values()].map((resource) =>
    resource.type === 'ExternalService'
      ? externalServiceFacts(parts.inputs, resource)
      : meshExternalServiceFacts(parts.inputs, resource),
  );
  const cluster = destinationName(destination, names);
  const envoy = parts.config.get(keyOfProxy(client))?.resources.cluster.get(cluster);
  const by = source.kind === 'egress' ? 'through the zone egress' : 'directly';
  course.steps.push({
    at: 'cluster',
    text: `${cluster} leaves the mesh ${by}`,
    ...(envoy === undefined ? {} : { envoy: resourceJson(envoy) }),
  });
  const [first] = resources.values();
  const at = first && { type: first.type, mesh, name: first.name };
  const unproven = source.kind === 'egress' && !leaving.secured ? [clientWithoutIdentity] : [];
  const missing = [...(outside?.problems ?? []), ...unproven, ...facts.flatMap(({ problems }) => problems)][0];
  if (missing !== undefined) {
    const fix = missing.split(': ').slice(1).join(': ') || 'correct the resource';
    return stop('unreachable', finding('no-way-out', `${name}: ${missing}`, fix, at));
  }
  if (source.kind === 'egress') {
    const refusal = throughEgress(parts, course, leaving, resources);
    if (refusal !== undefined) return end('denied', refusal);
  }
  if (source.kind === 'outside') {
    const refusal = refusedDirectly(parts, course, leaving, resources);
    if (refusal !== undefined) return end('denied', refusal);
  }
  const servers = facts.flatMap((each) => each.endpoints);
  course.backends.push({ name: cluster, weight: 1, healthy: servers.length, total: servers.length });
  if (servers.length === 0) {
    return stop('unreachable', finding('no-endpoints', `${name} names no server`, 'add one to its endpoints', at));
  }
  describeServers(course, facts, at);
  if (source.kind === 'egress' && prioritiesOf(servers).size > 1 && !egressChecks(parts, destination))
    course.problems.push(
      finding(
        'priority-without-check',
        `${name} has servers of several priorities, and nothing finds out that one is away: those of the next are never called`,
        'create a MeshHealthCheck of the whole mesh, or a MeshCircuitBreaker of it with outlierDetection',
        at,
      ),
    );
  const who = source.kind === 'egress' ? 'the egress' : 'its own proxy';
  const checked = servers.some(({ tls }) => tls !== undefined)
    ? `; a server that ${who} does not trust is answered for with 503`
    : '';
  return end('allowed', `it reaches ${servers.map(addressOf).join(', ')}${checked}`);
}

/** Whether an egress takes the request; why not, when it does not. */
function throughEgress(
  parts: ExplainParts,
  course: Course,
  { destination, identity }: Leaving,
  resources: ReadonlyMap<string, Resource>,
): string | undefined {
  const { proxies } = parts.inputs;
  const egresses = proxies.keys().filter((key) => proxies.get(key)?.proxyType === 'egress');
  course.steps.push({ at: 'egress', text: `${destination.workloadTls?.sni ?? ''} asks for it, in mTLS` });
  if (egresses.length === 0) {
    const fix = 'start it: kuma-dp run --proxy-type=egress';
    course.problems.push(finding('proxy-offline', 'no zone egress is connected to this control plane', fix));
  }
  const { mesh } = destination;
  if (destination.target.kind === 'resource') {
    if (parts.meshFacts.get(mesh)?.forbidsOutside !== true) return undefined;
    const field = 'routing.defaultForbidMeshExternalServiceAccess';
    const text = `${field} of the Mesh ${mesh} lets nobody reach MeshExternalServices`;
    course.steps.push({ at: 'permission', text });
    const at = { type: 'Mesh', mesh: '', name: mesh };
    course.problems.push(finding('refused', text, 'set it to false', at, field));
    return text;
  }
  const permissions = [...resources].slice(0, 1).flatMap(([key, { type, name, spec }]): readonly Permission[] => {
    const ruleSets = parts.rules.ofExternalService.get(key);
    return parts.policies.flatMap((policy) => {
      if (policy.authorize === undefined || identity === undefined) return [];
      const rules = ruleSets.get(policy.name);
      const inbound = rules?.inbounds[0];
      const older = olderAt(parts, policy, inbound, { mesh, tags: (spec as ExternalServiceSpec).tags ?? {} });
      const gate = { identity, rules: inbound, heads: rules?.matched ?? [], at: { type, mesh, name }, older };
      return [decideAt(policy, policy.authorize, gate)];
    });
  });
  for (const { step, problem } of permissions) {
    course.steps.push(step);
    if (problem !== undefined) course.problems.push(problem);
  }
  return permissions.find(({ allowed }) => !allowed)?.step.text;
}

/** Why a proxy gets none of the servers that it would connect to itself; undefined when it gets some. */
function refusedDirectly(
  parts: ExplainParts,
  course: Course,
  { client, destination }: Leaving,
  resources: ReadonlyMap<string, Resource>,
): string | undefined {
  const { mesh } = destination;
  const secured = parts.proxyTls.get(client.mesh, keyOfProxy(client)) !== undefined;
  const caller = parts.permittedServers.callerOf(client, secured);
  if (caller === undefined) return undefined;
  const decisions = [...resources.values()].map((resource) => {
    const { tags = {} } = resource.spec as ExternalServiceSpec;
    return { resource, said: parts.permittedServers.decide(mesh, tags, caller) };
  });
  const refused = decisions.flatMap(({ resource, said }) =>
    said.filter(({ allowed }) => !allowed).map((permission) => ({ resource, ...permission })),
  );
  const [first] = refused;
  const open = decisions.some(({ said }) => said.every(({ allowed }) => allowed));
  const permitted = decisions.flatMap(({ said }) => said).find(({ allowed }) => allowed);
  if (open || first === undefined) {
    if (permitted?.held === undefined) return undefined;
    const name = `${permitted.policy.older?.type} ${permitted.held.head.displayName} (sources)`;
    course.steps.push({ at: 'permission', text: `${client.name} gets its servers by ${name}` });
    return undefined;
  }
  const { policy, held, resource } = first;
  const type = policy.older?.type ?? policy.name;
  const service = nameOf(destination);
  const effect = `so its proxy has no server of ${service}: calls get 503, connections are closed`;
  if (held === undefined) {
    const text = `no ${type} selects ${service}, and the mesh ${mesh} has others, ${effect}`;
    const fix = `create a ${type} with kuma.io/service: ${service} among its destinations and the client among its sources`;
    course.steps.push({ at: 'permission', text });
    course.problems.push(finding('not-permitted', text, fix, { type: resource.type, mesh, name: resource.name }));
    return text;
  }
  const text = `${client.name} is not among the sources of ${type} ${held.head.displayName}, ${effect}`;
  const fix = 'add the client to its sources; the most specific one of a service holds alone';
  course.steps.push({ at: 'permission', text });
  course.problems.push(finding('refused', text, fix, held.head.resource, 'sources'));
  return text;
}

function prioritiesOf(servers: readonly OutsideEndpoint[]): ReadonlySet<number> {
  return new Set(servers.map(({ priority = 0 }) => priority));
}

/** Whether a connected zone egress looks at its servers, or at what they answer. True while none is connected: that is another finding. */
function egressChecks({ inputs, config }: ExplainParts, destination: Destination): boolean {
  const { proxies } = inputs;
  const wanted = new Set([legacyNames, unifiedNames].map((names) => destinationName(destination, names)));
  const clusters = proxies
    .keys()
    .filter((key) => proxies.get(key)?.proxyType === 'egress')
    .flatMap((key) => [...(config.get(key)?.resources.cluster ?? [])])
    .flatMap(([name, cluster]) => (wanted.has(name) ? [resourceJson(cluster) as CheckedCluster] : []));
  return clusters.every(
    ({ healthChecks = [], outlierDetection }) => healthChecks.length > 0 || outlierDetection !== undefined,
  );
}

interface CheckedCluster {
  readonly healthChecks?: readonly unknown[];
  readonly outlierDetection?: unknown;
}

function addressOf({ address, port }: OutsideEndpoint): string {
  return port === undefined ? address : `${address}:${port}`;
}

function describeServers(
  { steps, problems }: Course,
  facts: readonly OutsideFacts[],
  at: Parameters<typeof finding>[3],
): void {
  for (const endpoint of facts.flatMap(({ endpoints }) => endpoints)) {
    const { tls } = endpoint;
    steps.push({
      at: 'server',
      text: `${addressOf(endpoint)}, ${tls === undefined ? 'in plain text' : describeTls(tls)}`,
    });
    if (tls === undefined || (tls.trusted !== undefined && tls.names.length > 0)) continue;
    const what =
      tls.trusted === undefined ? 'its certificate is not checked' : 'the name in its certificate is not checked';
    const fix = 'name its authority in caCert, and leave the mode of verification at Secured';
    problems.push(
      finding('not-checked', `${addressOf(endpoint)}: ${what}: whoever answers there is believed`, fix, at),
    );
  }
}

function describeTls({ trusted, names, client, serverName }: TlsFacts): string {
  const authority =
    trusted === undefined
      ? 'whose certificate is not checked'
      : trusted === 'system'
        ? "whose certificate must be of an authority that the egress' host trusts"
        : "whose certificate must be of the service's own caCert";
  const checked =
    trusted === undefined || names.length === 0 ? '' : ` and for ${names.map(({ value }) => value).join(' or ')}`;
  const asked = serverName === '' ? '' : `, asked for as ${serverName}`;
  return `in TLS${asked}, ${authority}${checked}${client === undefined ? '' : '; a client certificate is shown'}`;
}
