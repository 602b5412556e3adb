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
import { blindPermissions, withoutIdentity } from './identity/identity-warnings.ts';
import { withKept } from './kept-resources.ts';
import { createLastGood } from './last-good.ts';
import { deriveLeftOut, type LeftOutDerivations, type UnusablePolicy } from './left-out.ts';
import { deriveOutgoing } from './outgoing.ts';
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
import { dnsLabels, dynamicConfigListener } from './skeleton/dynamic-config.ts';
import { attempt, type Built, everything, isUnbuilt, type Unbuilt } from './unbuilt.ts';
import { type UnsentLookup, unsentLookup } from './unsent.ts';

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
  const { graph, inputs, policies, own, shared, outbounds, rules, egresses } = parts;
  const collectorRefs = deriveCollectorRefs(graph, inputs, policies, backendLookup(inputs));
  const proxyCollectors = deriveProxyCollectors(graph, inputs, policies, rules);
  const { subject } = own;
  const outgoing = deriveOutgoing({ ...parts, collectors: proxyCollectors });
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
  // Everything but endpoints, which come and go: what they change must not touch the rest.
  const resources = graph.derive(
    'resources of a proxy',
    (proxyKey: string, without: LeftOut): BuiltMaps => {
      const found = subject.get(proxyKey);
      if (found === undefined) return toMaps([]);
      const always = [...adminOf(found), ...own.system.get(proxyKey), ...own.secrets.get(proxyKey)];
      if (!isServed(found)) return toMaps(always);
      const { traffic } = proxyCollectors.get(proxyKey, without);
      return toMaps([
        ...own.inbounds.get(proxyKey, rules.inboundRules.get(proxyKey, without), traffic),
        ...outgoing.resourcesOf(found, without),
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
      {
        type: 'finished' as const,
        ...finish(resources.get(proxyKey, without), rules.additionRules.get(proxyKey, without)),
      },
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
  const ruleWarnings = graph.derive('warnings of a class', (ofClass: string): RuleWarnings => {
    const ruleSets = rules.ofClass.get(ofClass);
    const idle = withoutEffect.filter(({ name }) => ruleSets.has(name));
    return {
      ofRules: [...ruleSets.values()].flatMap((set) => set.warnings),
      blind: blindPermissions(policies, ruleSets),
      idle: idle.map(({ name }) => `${name} applies to this proxy and has no effect yet`),
      collectors: collectorRefs.warnings.get(ruleSets),
    };
  });
  const warningsOf = (found: Subject, without: LeftOut): readonly ConfigWarning[] => {
    const { key, mesh, proxyClass } = found;
    const { ofRules, blind, idle, collectors } = ruleWarnings.get(rules.classOf.get(key, without));
    const identity = withoutIdentity(found, parts.workloadIdentities);
    const plain = [...mesh.idle, ...ofRules, ...identity];
    if (proxyClass.tls?.issuer !== undefined) plain.push(...blind);
    plain.push(...idle);
    if (isServed(found)) plain.push(...outgoing.warningsOf(found, without), ...additions.get(key, without).warnings);
    else {
      const { kind } = proxyClass.facts;
      plain.push(`a ${kind} gets no listeners yet: run a gateway of another kind as a delegated gateway`);
    }
    return [...plain.map((message) => ({ message })), ...collectors, ...proxyCollectors.get(key, without).warnings];
  };
  const build = (found: Subject, without: LeftOut): ProxyConfig => {
    const { key } = found;
    const endpoints = isServed(found) ? outgoing.endpointsOf(found, without) : noEndpoints;
    const finished = finishedWithout(key, without);
    const held = policiesOf(heldBack.get(key)).map((resource) => ({ message: heldBackMessage(resource), resource }));
    const left = unusable.get(key).map(unusableWarning);
    return complete(key, {
      resources: { ...finished.resources, endpoint: endpoints.resources },
      unbuilt: [...finished.unbuilt, ...endpoints.unbuilt],
      warnings: [...held, ...left, ...warningsOf(found, without), ...finished.warnings],
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

/** What is to be said of the rules of a class of proxies. */
interface RuleWarnings {
  readonly ofRules: readonly string[];
  /** Said to proxies with a SPIFFE ID only. */
  readonly blind: readonly string[];
  readonly idle: readonly string[];
  readonly collectors: readonly ConfigWarning[];
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
