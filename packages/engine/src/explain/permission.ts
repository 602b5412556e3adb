// The last gate: whether the server's proxy lets this client in.
import {
  type ClientIdentity,
  type InboundRuleSet,
  type OlderPolicy,
  type PolicyHead,
  type ProxyPolicy,
  saysNothing,
  selects,
} from '@ursa/policy';
import type { ResourceKey } from '@ursa/resources';
import type { DataplaneFacts } from '../dataplane-facts.ts';
import { rulesByIdentity } from '../identity/rules-by-identity.ts';
import { type Finding, finding } from '../lint/finding.ts';
import { policiesIn, referenceTo, routeResolver } from './applied-policies.ts';
import { type ExplainParts, keyOfProxy } from './explain-parts.ts';
import type { Step } from './explanation.ts';

/** The decision, as a step of the request. */
export interface Permission {
  readonly allowed: boolean;
  readonly step: Step;
  readonly problem: Finding | undefined;
}

/** What to do where permissions are not enforced. */
export const withoutMtlsFix =
  'enable a backend (mtls.enabledBackend of the Mesh), or create a MeshIdentity that selects the proxies';

/** A call as the server sees it. `identity` is undefined when it comes in plain text. */
export interface Arrival {
  readonly server: DataplaneFacts;
  /** Position of the inbound. */
  readonly position: number;
  readonly identity: ClientIdentity | undefined;
}

/** The policies of a type that select an inbound, the weakest first. */
function selecting(parts: ExplainParts, policy: ProxyPolicy, { server, position }: Arrival): readonly PolicyHead[] {
  const matched = parts.rules.matched.get(policy.name, keyOfProxy(server));
  const routeOf = routeResolver(parts);
  return matched.filter((head) => selects(head, server.selectable, routeOf)?.inbounds.includes(position) === true);
}

/** What every policy that permits says; the first refusal counts. */
export function permissionsOf(parts: ExplainParts, arrival: Arrival): readonly Permission[] {
  const { server } = arrival;
  const tls = parts.proxyTls.get(server.mesh, keyOfProxy(server));
  return parts.policies.flatMap((policy) => {
    if (policy.authorize === undefined) return [];
    const present =
      policiesIn(parts, policy.name, server.mesh).length > 0 || parts.olderPolicies.present(policy, server.mesh);
    if (tls === undefined) return present ? [unenforced(policy, arrival.server)] : [];
    return [decide(parts, policy, policy.authorize, arrival)];
  });
}

function unenforced(policy: ProxyPolicy, { mesh }: DataplaneFacts): Permission {
  const at = { type: 'Mesh', mesh: '', name: mesh };
  const message = `the mesh ${mesh} has no mTLS, so that ${policy.name} is not enforced: every client gets through`;
  const fix = withoutMtlsFix;
  return {
    allowed: true,
    step: { at: 'permission', text: `everyone is let in: without mTLS ${policy.name} is not enforced` },
    problem: finding('permission-without-mtls', message, fix, at, 'mtls'),
  };
}

function decide(
  parts: ExplainParts,
  policy: ProxyPolicy,
  authorize: NonNullable<ProxyPolicy['authorize']>,
  arrival: Arrival,
): Permission {
  const { server, position, identity } = arrival;
  if (identity === undefined) {
    const text = 'let in: the call comes in plain text, which the inbound takes';
    return { allowed: true, step: { at: 'permission', text }, problem: undefined };
  }
  const rules = parts.rules.ruleSets.get(keyOfProxy(server)).get(policy.name)?.inbounds[position];
  const knowsTags = parts.proxyTls.get(server.mesh, keyOfProxy(server))?.issuer === undefined;
  const heads = selecting(parts, policy, arrival);
  const at = { type: 'Dataplane', mesh: server.mesh, name: server.name };
  const known = rules === undefined || knowsTags ? rules : rulesByIdentity(rules);
  const older = olderAt(parts, policy, rules, { mesh: server.mesh, tags: server.inbounds[position]?.tags ?? {} });
  return decideAt(policy, authorize, { identity, rules: known, heads, at, older });
}

/** A place that lets clients in or not. */
export interface Gate {
  readonly identity: ClientIdentity;
  readonly rules: InboundRuleSet | undefined;
  /** The policies that select it, the weakest first. */
  readonly heads: readonly PolicyHead[];
  readonly at: ResourceKey;
  /** The policy of an older form that holds there, where none of the newer one says anything. */
  readonly older: OlderPolicy | undefined;
}

/** The policy of an older form at a place. */
export function olderAt(
  { olderPolicies }: ExplainParts,
  policy: ProxyPolicy,
  rules: InboundRuleSet | undefined,
  { mesh, tags }: { readonly mesh: string; readonly tags: Readonly<Record<string, string>> },
): OlderPolicy | undefined {
  return rules === undefined || saysNothing(rules) ? olderPolicies.at(policy, mesh, tags) : undefined;
}

function decideByOlder({ older: form }: ProxyPolicy, older: OlderPolicy, identity: ClientIdentity): Permission {
  const allowed = form?.authorize(identity, older) === true;
  const name = `${form?.type} ${older.head.displayName} (sources)`;
  const text = `${whoIs(identity)} is ${allowed ? 'let in' : 'refused'} by ${name}`;
  const fix = 'add the client to its sources; the most specific one of a service holds alone';
  return {
    allowed,
    step: { at: 'permission', text },
    problem: allowed ? undefined : finding('refused', text, fix, older.head.resource, 'sources'),
  };
}

function whoIs({ uris }: ClientIdentity): string {
  return uris.find((uri) => uri.startsWith('spiffe://')) ?? 'the client';
}

/** What one policy says there. */
export function decideAt(
  policy: ProxyPolicy,
  authorize: NonNullable<ProxyPolicy['authorize']>,
  { identity, rules, heads, at, older }: Gate,
): Permission {
  if (older !== undefined) return decideByOlder(policy, older, identity);
  const { allowed, shadowDenied, by } = authorize(identity, rules ?? { rules: [], from: [], fromEntries: [] }, heads);
  const who = whoIs(identity);
  const deciding = by && referenceTo(policy, by.head, by.field);
  const name = by === undefined ? '' : `${policy.name} ${by.head.displayName} (${by.field})`;
  if (allowed) {
    const counted = shadowDenied ? ', and counted as if it were refused' : '';
    const step = { at: 'permission' as const, text: `${who} is let in by ${name}${counted}` };
    return { allowed, step: deciding === undefined ? step : { ...step, policy: deciding }, problem: undefined };
  }
  if (by !== undefined && deciding !== undefined) {
    return {
      allowed,
      step: { at: 'permission', text: `${who} is refused by ${name}`, policy: deciding },
      problem: finding(
        'refused',
        `${who} is refused by ${name}`,
        `change this entry, or let the client in by a stronger one`,
        by.head.resource,
        by.field,
      ),
    };
  }
  const speak = heads.length === 0 ? `no ${policy.name} selects ${at.name}` : `${names(heads)} let others in`;
  return {
    allowed,
    step: { at: 'permission', text: `${who} is refused: ${speak}` },
    problem: finding(
      'not-permitted',
      `nothing lets ${who} in: ${speak}`,
      `create a ${policy.name} that selects ${at.name} and allows ${who}`,
      at,
    ),
  };
}

function names(heads: readonly PolicyHead[]): string {
  return heads.map(({ displayName }) => displayName).join(', ');
}
