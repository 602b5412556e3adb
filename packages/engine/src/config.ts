// Puts a proxy's configuration together from its parts. Each part is a derivation of its own: what did not change is not built again.
import type { Derivation } from '@ursa/collections';
import type { EndpointSets } from './class-parts.ts';
import { type CollectorRefLookup, deriveCollectorRefs } from './collector-refs.ts';
import { backendLookup } from './collectors.ts';
import type { ConfigParts } from './config-parts.ts';
import type { ConfigWarning, ProxyConfig } from './engine.ts';
import { deriveFaults, type Faults } from './faults.ts';
import { features } from './features.ts';
import { deriveFinish, type Finished } from './finish.ts';
import { deriveHeldBack, type LeftOut, policiesOf } from './held-back.ts';
import { identityWarnings } from './identity/identity-warnings.ts';
import { type InboundModes, inboundModes } from './inbound-modes.ts';
import { withKept } from './kept-resources.ts';
import { createLastGood } from './last-good.ts';
import { deriveLeftOut, type LeftOutDerivations, type UnusablePolicy } from './left-out.ts';
import type { Outbound } from './outbounds.ts';
import { type ProxyClass, pickTags, redirectOf } from './proxy-class.ts';
import { deriveProxyCollectors } from './proxy-collectors.ts';
import {
  adminPortOf,
  isServed,
  type PolicyAdditions,
  policyAdditions,
  type Subject,
  sameAdditions,
} from './proxy-parts.ts';
import { type BuiltMaps, keepIdentities, noResources, type ResourceMaps, toMaps } from './resource-set.ts';
import type { RuleSets } from './rules.ts';
import { endpointTagKeys } from './shaped-endpoints.ts';
import { dnsLabels, dynamicConfigListener } from './skeleton/dynamic-config.ts';
import { attempt, type Built, everything, isUnbuilt, type Unbuilt } from './unbuilt.ts';
import { type UnsentLookup, unsentLookup } from './unsent.ts';
import { namesWorkload } from './workload.ts';

/**
 * Ports on which a workload can be reached past its inbounds, as text: with mTLS only declared ones, where a policy or a
 * MeshIdentity makes an inbound insist on mTLS, or, where none says anything, for proxies that want it so.
 */
function reachablePorts({ connected, dataplane, proxyClass }: Subject, { modes, governed }: InboundModes): string {
  const speaksOfInbounds = governed || proxyClass.tls?.issuer !== undefined;
  const wanted = speaksOfInbounds ? modes.includes('Strict') : connected.features.includes(features.strictInboundPorts);
  if (proxyClass.tls === undefined || !wanted) return 'all';
  const ports = new Set(dataplane.inbounds.map((inbound) => inbound.port));
  return [...ports].join(' ');
}

/** Configurations by proxy key, and what they would be without some policies. */
export interface ConfigDerivations {
  readonly config: Derivation<readonly [proxyKey: string], ProxyConfig | undefined>;
  /** Everything but endpoints. */
  readonly resourcesWithout: Derivation<readonly [proxyKey: string, without: LeftOut], ResourceMaps>;
  /** Because Envoy refused what they made. */
  readonly heldBack: Derivation<readonly [proxyKey: string], LeftOut>;
  readonly leftOut: LeftOutDerivations['leftOut'];
  readonly unusable: LeftOutDerivations['unusable'];
  readonly faults: Faults;
  readonly collectorRefs: CollectorRefLookup;
  readonly unsentTo: UnsentLookup;
}

/** Derives configurations. */
export function deriveConfig(parts: ConfigParts): ConfigDerivations {
  const { graph, inputs, policies, own, shared, outbounds, directAccess, rules, egresses, permittedServers } = parts;
  const collectorRefs = deriveCollectorRefs(graph, inputs, policies, backendLookup(inputs));
  const proxyCollectors = deriveProxyCollectors(graph, inputs, policies, rules);
  const { subject, withSelf } = own;
  const selfPolicies = policies.filter(({ readsSelf }) => readsSelf === true);
  const taggedPolicies = policies.filter(({ readsTags }) => readsTags === true);
  const nothing: PolicyAdditions = { resources: [], documents: [], warnings: [] };
  const additions = graph.derive(
    'additions of policies',
    (proxyKey: string, without: LeftOut): PolicyAdditions => {
      const found = subject.get(proxyKey);
      if (found === undefined) return nothing;
      const proxyClass = own.withCollectors(found.proxyClass, proxyCollectors.get(proxyKey, without).whole);
      return policyAdditions(policies, { ...found, proxyClass }, rules.additionRules.get(proxyKey, without));
    },
    { equals: sameAdditions },
  );
  // Most listeners for destinations say nothing of their proxy, and are the same for all of a class.
  const listenerClassOf = (found: Subject, proxyClass: ProxyClass, ruleSets: RuleSets): ProxyClass => {
    const speaks = selfPolicies.some(({ name }) => {
      const rules = ruleSets.get(name);
      return rules !== undefined && (rules.to.size > 0 || rules.toSubsets.length > 0);
    });
    return speaks ? withSelf(found, proxyClass) : proxyClass;
  };
  const outboundsOf = ({ key, proxyClass }: Subject, without: LeftOut): readonly Outbound[] =>
    outbounds.outbounds(key, proxyClass.calls, without);
  const transparentResources = (
    found: Subject,
    ruleSets: RuleSets,
    listenerClass: ProxyClass,
    without: LeftOut,
  ): readonly Built[] => {
    const { key, connected, dataplane: facts, mesh, proxyClass } = found;
    const redirect = redirectOf(connected, facts);
    if (redirect === undefined) return [];
    const answersItself = connected.features.includes(features.embeddedDns) || connected.dnsPort === 0;
    const dns = answersItself
      ? []
      : shared.envoyDns.get(outbounds.records(key, proxyClass.calls, without), proxyClass, connected.dnsPort);
    const inboundRules = rules.inboundRules.get(key, without);
    const modes = inboundModes(policies, inboundRules, found.inboundDefault, facts.inbounds.length);
    const ports = reachablePorts(found, modes);
    const direct = attempt({ origin: 'direct-access' }, () => directAccess(found, outboundsOf(found, without)));
    return [...shared.passthrough(ruleSets, listenerClass, redirect, mesh.passthrough, ports), ...direct, ...dns];
  };
  const dynamicConfigOf = (found: Subject, without: LeftOut): readonly Built[] => {
    const { key, connected, dataplane: facts, proxyClass } = found;
    const { calls } = proxyClass;
    const asksUs = calls !== 'explicit' && connected.features.includes(features.embeddedDns);
    const dns = asksUs
      ? shared.dnsDocument.get(outbounds.records(key, calls, without), dnsLabels(facts, inputs.settings.zone))
      : undefined;
    const { documents } = additions.get(key, without);
    if (documents.length === 0) return dns ? shared.dynamicConfig.get(dns, proxyClass, connected.workdir) : [];
    const all = dns === undefined ? documents : [dns, ...documents];
    return attempt({ origin: 'dynamic-config' }, () => [
      dynamicConfigListener(all, connected.workdir, proxyClass.names),
    ]);
  };
  const adminOf = (found: Subject): readonly Built[] => {
    const { admin, readinessPort } = found.connected;
    return shared.admin.get(found.proxyClass, admin.socketPath ?? '', adminPortOf(found), readinessPort);
  };
  const tagKeys = graph.derive('tags that endpoints depend on', (ruleSets: RuleSets) =>
    endpointTagKeys(policies, ruleSets),
  );
  const callerTagsOf = ({ dataplane: facts }: Subject, ruleSets: RuleSets): string =>
    JSON.stringify(pickTags(facts, tagKeys.get(ruleSets)));

  // Everything but endpoints, which come and go: what they change must not touch the rest.
  const resources = graph.derive(
    'resources of a proxy',
    (proxyKey: string, without: LeftOut): BuiltMaps => {
      const found = subject.get(proxyKey);
      if (found === undefined) return toMaps([]);
      const always = [...adminOf(found), ...own.system.get(proxyKey), ...own.secrets.get(proxyKey)];
      if (!isServed(found)) return toMaps(always);
      const ruleSets = rules.outboundRules.get(proxyKey, without);
      const tagged = taggedPolicies.some(({ name }) => ruleSets.has(name));
      const calling = tagged ? own.withTags(found.proxyClass, found.dataplane) : found.proxyClass;
      const announces = rules.needsClientTags.get(found.dataplane.mesh);
      const proxyClass = announces ? own.announcing(calling, found.dataplane) : calling;
      const collectors = proxyCollectors.get(proxyKey, without).traffic;
      const listenerClass = own.withCollectors(listenerClassOf(found, proxyClass, ruleSets), collectors);
      const workload = namesWorkload(policies, ruleSets) ? found.workload : undefined;
      const caller = permittedServers.callerOf(found.dataplane, proxyClass.tls !== undefined);
      const all = outboundsOf(found, without);
      const called = shared.outbounds.get(all, ruleSets, proxyClass, listenerClass, workload, caller);
      const redirected = transparentResources(found, ruleSets, listenerClass, without);
      const inbounds = own.inbounds.get(proxyKey, rules.inboundRules.get(proxyKey, without), collectors);
      const traffic = [...inbounds, ...called, ...redirected];
      return toMaps([
        ...traffic,
        ...additions.get(proxyKey, without).resources,
        ...dynamicConfigOf(found, without),
        ...always,
      ]);
    },
    { equals: Object.is },
  );

  const withoutEffect = policies.filter(
    ({ hooks, routing }) => routing === undefined && Object.keys(hooks).length === 0,
  );
  const finish = deriveFinish(graph, policies);
  const finishedWithout = (proxyKey: string, without: LeftOut): Finished => {
    const [finished] = attempt(everything, () => [
      { type: 'finished' as const, ...finish(resources.get(proxyKey, without), rules.ruleSets.get(proxyKey, without)) },
    ]);
    return finished === undefined || isUnbuilt(finished) ? nothingBuilt(finished) : finished;
  };
  const resourcesWithout = graph.derive(
    'resources without policies',
    (proxyKey: string, without: LeftOut) => finishedWithout(proxyKey, without).resources,
    { equals: Object.is },
  );
  const heldBack = deriveHeldBack(graph, inputs, (proxyKey, without) => resourcesWithout.get(proxyKey, without));
  const faults = deriveFaults(graph, inputs, policies);
  const { leftOut, unusable } = deriveLeftOut({
    graph,
    inputs,
    policies,
    rules,
    faults,
    heldBack,
    builtWithout: finishedWithout,
  });
  const lastGood = createLastGood();
  const build = (found: Subject, without: LeftOut): ProxyConfig => {
    const { key, proxyClass } = found;
    const outboundRules = rules.outboundRules.get(key, without);
    const endpoints = isServed(found)
      ? shared.endpoints.get(outboundsOf(found, without), outboundRules, proxyClass, callerTagsOf(found, outboundRules))
      : noEndpoints;
    const ruleSets = rules.ruleSets.get(key, without);
    const warnings = [...found.mesh.idle, ...[...ruleSets.values()].flatMap((set) => set.warnings)];
    warnings.push(...identityWarnings(found, parts.workloadIdentities, policies, ruleSets));
    const idle = withoutEffect.filter(({ name }) => ruleSets.has(name));
    warnings.push(...idle.map(({ name }) => `${name} applies to this proxy and has no effect yet`));
    if (isServed(found)) {
      warnings.push(...shared.warnings.get(outboundsOf(found, without), outboundRules, proxyClass));
      if (proxyClass.calls === 'bound') warnings.push(...outbounds.warnings(key, proxyClass.calls));
      warnings.push(...additions.get(key, without).warnings);
    } else {
      const { kind } = proxyClass.facts;
      warnings.push(`a ${kind} gets no listeners yet: run a gateway of another kind as a delegated gateway`);
    }
    const finished = finishedWithout(key, without);
    const held = policiesOf(heldBack.get(key)).map((resource) => ({ message: heldBackMessage(resource), resource }));
    const left = unusable.get(key).map(unusableWarning);
    const plain = warnings.map((message) => ({ message }));
    return complete(key, {
      resources: { ...finished.resources, endpoint: endpoints.resources },
      unbuilt: [...finished.unbuilt, ...endpoints.unbuilt],
      warnings: [
        ...held,
        ...left,
        ...plain,
        ...collectorRefs.warnings.get(ruleSets),
        ...proxyCollectors.get(key, without).warnings,
        ...finished.warnings,
      ],
    });
  };
  const complete = (key: string, made: Finished): ProxyConfig => {
    const before = lastGood.get(key);
    const warnings = made.unbuilt.map((failed) => unbuiltWarning(failed, before !== undefined, faults, key));
    return {
      resources: keepIdentities(before, withKept(made, before)),
      warnings: warnings.length === 0 ? made.warnings : [...warnings, ...made.warnings],
    };
  };
  const config = graph.derive(
    'config',
    (proxyKey: string): ProxyConfig | undefined => {
      const [made] = attempt(everything, () => {
        const found = subject.get(proxyKey);
        const egress = found === undefined ? egresses.config.get(proxyKey) : undefined;
        if (found === undefined) return egress === undefined ? [] : [{ type: 'config', ...complete(proxyKey, egress) }];
        return [{ type: 'config', ...build(found, leftOut.get(proxyKey)) }];
      });
      if (made === undefined) return undefined;
      const config = isUnbuilt(made) ? complete(proxyKey, nothingBuilt(made)) : made;
      lastGood.set(proxyKey, config.resources);
      return { resources: config.resources, warnings: config.warnings };
    },
    { equals: sameConfig },
  );
  const collectorsOf = (proxyKey: string) => proxyCollectors.get(proxyKey, leftOut.get(proxyKey));
  const unsentTo = unsentLookup(inputs, policies, rules, collectorsOf);
  return {
    config,
    resourcesWithout,
    heldBack,
    leftOut,
    unusable,
    faults,
    collectorRefs: collectorRefs.ofPolicy,
    unsentTo,
  };
}

const noEndpoints: EndpointSets = { resources: noResources, unbuilt: [] };

/** Nothing, because of a failure that concerns everything. */
function nothingBuilt(failed: Unbuilt | undefined): Finished {
  return { ...toMaps(failed === undefined ? [] : [failed]), warnings: [] };
}

function unusableWarning({ key, problem }: UnusablePolicy): ConfigWarning {
  return {
    message: `${key} is held back from this proxy, because nothing can be made of it: ${problem}`,
    resource: key,
  };
}

/** Says which resource of Envoy is missing, and what is wrong with the resource that it was built for. */
function unbuiltWarning(failed: Unbuilt, isKept: boolean, faults: Faults, proxyKey: string): ConfigWarning {
  const { about, policyType, problem, instead } = failed;
  const unbuilt = nameOf(failed);
  const mesh = proxyKey.slice(0, proxyKey.indexOf('/'));
  const faulty = [about, `Dataplane/${proxyKey}`, `Mesh//${mesh}`].find(
    (key) => key !== undefined && faults.of(key) !== undefined,
  );
  const reason = faulty === undefined ? problem : `${faulty}: ${faults.of(faulty)} (${problem})`;
  const closed = failed.origin === 'inbound' ? 'its place is closed' : 'it is as without the policy';
  const without = instead === undefined ? 'it is left out' : closed;
  const isFresh = failed.of === 'endpoint' && instead !== undefined;
  const consequence = isKept && !isFresh ? 'what could be built last stays' : without;
  const resource = faulty ?? about;
  return {
    message: `${unbuilt} cannot be built; ${consequence}: ${reason}`,
    unbuilt,
    ...(resource === undefined ? {} : { resource }),
    ...(policyType === undefined ? {} : { policyType }),
  };
}

function nameOf({ of, name, origin }: Unbuilt): string {
  if (of !== undefined) return `the ${of} ${name}`;
  return origin === '' ? 'the configuration' : `what has the origin ${origin}`;
}

function heldBackMessage(policy: string): string {
  return `${policy} is held back from this proxy because its Envoy refused what the policy made: the policy's status says why`;
}

function sameConfig(before: ProxyConfig | undefined, after: ProxyConfig | undefined): boolean {
  if (before === undefined || after === undefined) return before === after;
  return before.resources === after.resources && JSON.stringify(before.warnings) === JSON.stringify(after.warnings);
}
