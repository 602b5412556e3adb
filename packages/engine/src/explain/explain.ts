// Explain: what will become of a request, read from the derivations that the proxies' configurations are made of.
import { legacyNames, resourceJson, unifiedNames } from '@ursa/envoy';
import type { Route } from '@ursa/envoy/gen/envoy/config/route/v3/route_components_pb.ts';
import type { RouteIdentity } from '@ursa/policy';
import { tagNames } from '@ursa/resources';
import type { DataplaneFacts } from '../dataplane-facts.ts';
import type { Destination, ServiceTls } from '../destinations.ts';
import type { ConnectedProxy } from '../engine.ts';
import { policiesOf } from '../held-back.ts';
import type { ProxyTls } from '../identity/proxy-tls.ts';
import { type Finding, finding } from '../lint/finding.ts';
import { instancesWithoutPort } from '../lint/instance-without-port.ts';
import type { MeshFacts } from '../mesh-facts.ts';
import { callModeOf, hasUnifiedNames } from '../proxy-class.ts';
import { destinationName, tlsTowards } from '../skeleton/outbound.ts';
import { destinationsOf, type OlderDecision, routePolicies, spokenProtocol, type Traffic } from '../traffic-path.ts';
import { appliedPolicies, inboundMerge, outboundMerge, policiesIn, referenceTo } from './applied-policies.ts';
import { type ExplainParts, keyOfProxy, provenNames, whyHeldBack } from './explain-parts.ts';
import type { AppliedPolicies, BackendShare, Explanation, Question, Step } from './explanation.ts';
import { clientMissing, proxiesNamed } from './find-client.ts';
import { findOutbound, findUnpermitted, type Instance, instancesOf, nameOf } from './find-outbound.ts';
import { clustersOf, describeMatch, routesIn } from './http-route.ts';
import { leave } from './leave-mesh.ts';
import { noEndpoints, notReady } from './not-ready.ts';
import { olderReference, olderRoutesOf } from './older-routes.ts';
import { olderWithoutEffect } from './older-without-effect.ts';
import { permissionsOf } from './permission.ts';
import { isUndecided, routeTakes } from './route-match.ts';
import { strangersTo } from './strangers.ts';

/** Answers questions. Of a client that is not connected, `presumed` says what would become of its request once it is. */
export function explainWith(
  parts: ExplainParts,
  presumed: () => (question: Question) => Explanation,
): (question: Question) => Explanation {
  return (question) => {
    const found = explain(parts, question);
    const [away] = found.problems;
    // Servers may be away too; then the way has gone further.
    if (away?.code !== 'proxy-offline' || found.steps.at(-1)?.at !== 'client') return found;
    const would = presumed()(question);
    return {
      ...would,
      verdict: found.verdict,
      summary: `${found.summary}; once it is, ${would.summary}`,
      problems: [away, ...would.problems],
    };
  };
}

/** What has been found out so far. */
export interface Course {
  readonly steps: Step[];
  readonly problems: Finding[];
  readonly policies: AppliedPolicies[];
  readonly backends: BackendShare[];
}

function explain(parts: ExplainParts, question: Question): Explanation {
  const course: Course = { steps: [], problems: [], policies: [], backends: [] };
  const end = (verdict: Explanation['verdict'], reason: string): Explanation => ({
    verdict,
    summary: `${verdict}: ${question.from} -> ${question.to}: ${reason}`,
    ...course,
  });
  const stop = (verdict: Explanation['verdict'], problem: Finding): Explanation => {
    course.problems.unshift(problem);
    return end(verdict, problem.message);
  };
  const clients = proxiesNamed(parts, question.mesh, question.from);
  const [client] = clients;
  const connected = client && parts.inputs.proxies.get(keyOfProxy(client));
  const mesh = parts.meshFacts.get(question.mesh);
  if (client === undefined || mesh === undefined) return stop('unknown', clientMissing(parts, question));
  const identity = provenNames(parts, keyOfProxy(client));
  const clientTls = parts.proxyTls.get(client.mesh, keyOfProxy(client));
  course.problems.push(...shortcomings(parts, client));
  const others = clients.length > 1 ? ` (one of ${clients.length} of ${question.from})` : '';
  const spiffe = identity?.uris.find((uri) => uri.startsWith('spiffe://'));
  course.steps.push({
    at: 'client',
    text: `${client.name}${others}${spiffe === undefined ? ', without mTLS' : `, ${spiffe}`}`,
  });
  if (connected === undefined) return stop('unreachable', offline(client));
  const calls = callModeOf(connected, client);
  const outbound = findOutbound(parts, client, calls, question);
  const unpermitted = 'code' in outbound ? findUnpermitted(parts, client, calls, question) : undefined;
  if (unpermitted !== undefined) {
    const { destination } = unpermitted;
    return turnedAway(parts, course, { client, clientTls, connected, mesh, destination, identity, end, stop });
  }
  if ('code' in outbound) return stop(outbound.code === 'unknown-destination' ? 'unknown' : 'unreachable', outbound);

  const names = hasUnifiedNames(connected, mesh) ? unifiedNames : legacyNames;
  const { destination, address, port } = outbound;
  const { legacyName, kri } = destination;
  const listenerName = names.outboundListener({ address, port, legacyName, kri });
  const config = parts.config.get(keyOfProxy(client));
  const listener = config?.resources.listener.get(listenerName);
  course.steps.push({
    at: 'outbound',
    text: `${address}:${port} leads to ${nameOf(destination)} (${destination.protocol})`,
    ...(listener === undefined ? {} : { envoy: resourceJson(listener) }),
  });
  const ruleSets = parts.rules.outboundRules.get(keyOfProxy(client));
  const traffic = parts.traffic.get(destination, ruleSets);
  if (listener === undefined || traffic.kind === 'nowhere') return stop('unreachable', nowhere(traffic, destination));

  const routes = routesIn(listener);
  const route = routes?.find((candidate) => routeTakes(candidate, question));
  for (const candidate of routes?.slice(0, route === undefined ? undefined : routes.indexOf(route)) ?? []) {
    if (isUndecided(candidate, question)) course.problems.push(undecided(candidate));
  }
  if (routes !== undefined && route === undefined) return stop('unreachable', noRoute(question, destination));
  if (route !== undefined) course.steps.push(routeStep(parts, client, traffic, route));
  else if (traffic.older !== undefined) course.steps.push(olderStep(traffic.older));

  const targets = destinationsOf(destination, traffic);
  const clusters =
    route === undefined
      ? (traffic.kind === 'tcp' ? traffic.shares : [{ destination, weight: 1 }]).map((share) => ({
          name: destinationName(share.destination, names),
          weight: share.weight,
        }))
      : clustersOf(route);
  const served = clusters.flatMap(({ name, weight }) => {
    const target = targets.find((candidate) => destinationName(candidate, names) === name);
    return target === undefined ? [] : [{ name, weight, target, instances: instancesOf(parts, target) }];
  });
  const outside = served.find(({ target }) => target.outside !== undefined)?.target;
  for (const { name, weight, instances, target } of served) {
    if (target.outside !== undefined) continue;
    const healthy = instances.filter(({ ready }) => ready).length;
    course.backends.push({ name, weight, healthy, total: instances.length });
    const cluster = config?.resources.cluster.get(name);
    const text = `${name}${clusters.length > 1 ? ` (weight ${weight})` : ''}: ${healthy} of ${instances.length} endpoints ready`;
    course.steps.push({ at: 'cluster', text, ...(cluster === undefined ? {} : { envoy: resourceJson(cluster) }) });
    course.problems.push(...notReady(parts, instances), ...instancesWithoutPort(parts, target.source));
  }
  const identified = route && routeIdentity(traffic, route);
  const spoken = spokenProtocol(destination, traffic);
  describeClientPolicies(parts, course, { client, destination, protocol: spoken, route: identified });
  const called = [{ [tagNames.service]: nameOf(destination) }, ...served.flatMap(tagsOf)];
  const olderRoutes = olderRoutesOf(parts, client, destination, traffic);
  course.policies.push(...olderRoutes.applied);
  course.problems.push(...olderRoutes.withoutEffect, ...olderWithoutEffect(parts, client, called));
  if (route !== undefined && route.action.case !== 'route') {
    return end('allowed', `the client's proxy answers itself (${route.action.case})`);
  }
  if (outside !== undefined) {
    const tls = tlsTowards(outside, { tls: clientTls });
    const secured = identity && { uris: identity.uris, sni: tls?.sni ?? '' };
    const leaving = { client, destination: outside, names, identity: secured, secured: tls !== undefined };
    return leave(parts, course, leaving, { end, stop });
  }
  const empty = served.find(({ instances }) => !instances.some(({ ready }) => ready));
  const chosen = served.flatMap(({ instances }) => instances.filter(({ ready }) => ready));
  const server = chosen.find(({ proxy }) => proxy.name === question.to) ?? chosen[0];
  if (empty !== undefined) {
    const problem = noEndpoints(empty.target, empty.instances);
    if (server === undefined) return stop('unreachable', problem);
    course.problems.push(problem);
  }
  if (server === undefined) return stop('unreachable', noEndpoints(destination, []));
  const target = served[0]?.target ?? destination;
  const tls = tlsTowards(target, { tls: clientTls });
  return arrive(parts, course, { server, destination: target, tls, identity, end, stop });
}

/** Tags of those behind a destination. */
function tagsOf({
  instances,
}: {
  readonly instances: readonly Instance[];
}): readonly Readonly<Record<string, string>>[] {
  return instances.map(({ proxy, position }) => proxy.inbounds[position]?.tags ?? {});
}

/** How an explanation ends. */
export interface Ends {
  readonly end: (verdict: Explanation['verdict'], reason: string) => Explanation;
  readonly stop: (verdict: Explanation['verdict'], problem: Finding) => Explanation;
}

interface Arriving extends Ends {
  readonly server: Instance;
  readonly destination: Destination;
  /** How the client speaks TLS to it; undefined in plain text. */
  readonly tls: ServiceTls | undefined;
  readonly identity: { readonly uris: readonly string[] } | undefined;
}

function arrive(parts: ExplainParts, course: Course, arriving: Arriving): Explanation {
  const { server, destination, tls, identity, end, stop } = arriving;
  const { proxy, position } = server;
  const inbound = proxy.inbounds[position];
  if (inbound === undefined) return stop('unreachable', noEndpoints(destination, []));
  course.problems.push(...shortcomings(parts, proxy));
  const connected = parts.inputs.proxies.get(keyOfProxy(proxy));
  const mesh = parts.meshFacts.get(proxy.mesh);
  const names = connected && mesh && hasUnifiedNames(connected, mesh) ? unifiedNames : legacyNames;
  const listener = parts.config.get(keyOfProxy(proxy))?.resources.listener.get(names.inboundListener(inbound));
  course.steps.push({
    at: 'inbound',
    text: `${proxy.name} at ${inbound.address}:${inbound.port}${tls === undefined ? ', in plain text' : ', in mTLS'}`,
    ...(listener === undefined ? {} : { envoy: resourceJson(listener) }),
  });
  const protocol = inbound.protocol === 'unknown' ? 'tcp' : inbound.protocol;
  const ruleSets = parts.rules.ruleSets.get(keyOfProxy(proxy));
  for (const policy of parts.policies) {
    if (policy.authorize !== undefined || !(policy.shape.hasFrom || policy.shape.hasRules)) continue;
    const rules = ruleSets.get(policy.name);
    const merged = rules && inboundMerge(policy, rules, position);
    const applied = appliedPolicies(parts, policy, { side: 'server', proxy, protocol }, merged);
    if (applied !== undefined) course.policies.push(applied);
  }
  const strangers = strangersTo(parts, { server, destination, tls, identity });
  if (strangers !== undefined) return stop('unreachable', strangers);
  const certified = tls === undefined || identity === undefined ? undefined : identity;
  const secured = certified && { uris: certified.uris, sni: tls?.sni ?? '' };
  const permissions = permissionsOf(parts, { server: proxy, position, identity: secured });
  for (const { step, problem } of permissions) {
    course.steps.push(step);
    if (problem !== undefined) course.problems.push(problem);
  }
  const refusal = permissions.find(({ allowed }) => !allowed);
  if (refusal !== undefined) return end('denied', refusal.step.text);
  return end('allowed', permissions[0]?.step.text ?? 'no policy of the mesh permits or refuses');
}

interface TurnedAway extends Ends {
  readonly client: DataplaneFacts;
  readonly clientTls: ProxyTls | undefined;
  readonly connected: ConnectedProxy;
  readonly mesh: MeshFacts;
  readonly destination: Destination;
  readonly identity: { readonly uris: readonly string[] } | undefined;
}

/** Why a client has no outbound where outbounds follow from permissions: what the request would meet if it had one. */
function turnedAway(parts: ExplainParts, course: Course, away: TurnedAway): Explanation {
  const { client, clientTls, connected, mesh, destination, identity, end, stop } = away;
  const name = nameOf(destination);
  const message = `${client.name} has no outbound to ${name}, because nothing behind ${name} lets it in (KUMA_EXPERIMENTAL_AUTO_REACHABLE_SERVICES)`;
  const list = destination.target.kind === 'service' ? 'reachableServices' : 'reachableBackends';
  const fix = `permit it, as said below; or list what ${client.name} reaches in networking.transparentProxying.${list}, if its server is to refuse it`;
  const at = { type: 'Dataplane', mesh: client.mesh, name: client.name };
  course.problems.push(finding('not-reachable', message, fix, at, 'networking.transparentProxying'));
  course.steps.push({ at: 'outbound', text: `none: ${name} would turn it away` });
  const ruleSets = parts.rules.outboundRules.get(keyOfProxy(client));
  const [called = destination] = destinationsOf(destination, parts.traffic.get(destination, ruleSets));
  const tls = tlsTowards(called, { tls: clientTls });
  if (called.outside !== undefined) {
    const names = hasUnifiedNames(connected, mesh) ? unifiedNames : legacyNames;
    const secured = identity && { uris: identity.uris, sni: tls?.sni ?? '' };
    const leaving = { client, destination: called, names, identity: secured, secured: tls !== undefined };
    return leave(parts, course, leaving, { end, stop });
  }
  const [server] = instancesOf(parts, called);
  if (server === undefined) return stop('unreachable', noEndpoints(called, []));
  return arrive(parts, course, { server, destination: called, tls, identity, end, stop });
}

interface Calling {
  readonly client: DataplaneFacts;
  readonly destination: Destination;
  readonly protocol: Destination['protocol'];
  readonly route: RouteIdentity | undefined;
}

function describeClientPolicies(
  parts: ExplainParts,
  { policies }: Course,
  { client, destination, protocol, route }: Calling,
): void {
  const ruleSets = parts.rules.ruleSets.get(keyOfProxy(client));
  for (const policy of parts.policies.filter(({ shape }) => shape.hasTo)) {
    const rules = ruleSets.get(policy.name);
    const merged = rules && outboundMerge(rules, destination.target, policy.routing === undefined ? route : undefined);
    const place = { side: 'client' as const, proxy: client, protocol };
    const applied = appliedPolicies(parts, policy, place, merged);
    if (applied !== undefined) policies.push(applied);
  }
}

function routeIdentity(traffic: Traffic, route: Route): RouteIdentity {
  const policy = routePolicies(traffic).get(route.name);
  return { name: route.name, ...(policy === undefined ? {} : { policy }) };
}

function olderStep({ head }: OlderDecision): Step {
  const text = `${head.type} ${head.displayName} says where it goes`;
  return { at: 'route', text, policy: olderReference(head, 'conf') };
}

function routeStep(parts: ExplainParts, client: DataplaneFacts, traffic: Traffic, route: Route): Step {
  const text = `${describeMatch(route)} takes it`;
  if (traffic.older !== undefined) {
    const { head } = traffic.older;
    return { at: 'route', text: `${text}, of ${head.type} ${head.displayName}`, policy: olderReference(head, 'conf') };
  }
  const id = routePolicies(traffic).get(route.name);
  const policy = traffic.kind === 'http' ? parts.policies.find(({ name }) => name === traffic.routedBy) : undefined;
  const head =
    policy && policiesIn(parts, policy.name, client.mesh).find(({ displayName }) => displayName === id?.name);
  if (policy === undefined || head === undefined) return { at: 'route', text: `${text}, the default route` };
  return { at: 'route', text: `${text}, of ${policy.name} ${head.displayName}`, policy: referenceTo(policy, head, '') };
}

/** What a proxy does not have: policies that are held back from it, and what could not be built. */
function shortcomings(parts: ExplainParts, proxy: DataplaneFacts): readonly Finding[] {
  return [...heldBackFrom(parts, proxy), ...notBuilt(parts, proxy)];
}

function heldBackFrom(parts: ExplainParts, proxy: DataplaneFacts): readonly Finding[] {
  return policiesOf(parts.heldBack.get(keyOfProxy(proxy))).map((key) => {
    const [type = '', mesh = '', name = ''] = key.split('/');
    const message = `${type} ${name} is held back from ${proxy.name}, ${whyHeldBack(parts, keyOfProxy(proxy), key)}`;
    return finding('held-back', message, `correct it: kumactl inspect ${type.toLowerCase()} ${name}`, {
      type,
      mesh,
      name,
    });
  });
}

function notBuilt(parts: ExplainParts, proxy: DataplaneFacts): readonly Finding[] {
  const { warnings } = parts.config.get(keyOfProxy(proxy)) ?? { warnings: [] };
  return warnings.flatMap(({ message, unbuilt, resource }) => {
    if (unbuilt === undefined) return [];
    const [type = 'Dataplane', mesh = '', name = ''] = (resource ?? `Dataplane/${keyOfProxy(proxy)}`).split('/');
    return [finding('unhealthy-config', `${proxy.name}: ${message}`, `correct ${type} ${name}`, { type, mesh, name })];
  });
}

function offline({ mesh, name }: DataplaneFacts): Finding {
  const at = { type: 'Dataplane', mesh, name };
  return finding('proxy-offline', `the proxy ${name} is not connected`, `start it: kuma-dp run --name ${name}`, at);
}

function nowhere({ warnings }: Traffic, destination: Destination): Finding {
  const message = warnings[0] ?? `${nameOf(destination)} has no listener at this proxy`;
  return finding('backend-missing', message, 'name a backend that exists in backendRefs');
}

function noRoute({ method, path }: Question, destination: Destination): Finding {
  const message = `no route of ${nameOf(destination)} takes ${method} ${path}: Envoy answers 404`;
  return finding('no-route', message, 'add a match for it to a route, or one for everything (PathPrefix /)');
}

function undecided(route: Route): Finding {
  const message = `whether the route ${describeMatch(route)} takes the request is not decided here: its expression is too costly to try`;
  return finding('not-evaluated', message, 'try the request itself');
}
