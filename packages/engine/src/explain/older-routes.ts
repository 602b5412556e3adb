// Routes of an older form and one request: which of them says where it goes, and why the others do not.
import {
  compareFits,
  confFields,
  fitOfCalled,
  fitOfCaller,
  olderRouteTypes,
  type PolicyHead,
  type ProxyPolicy,
  routedConf,
} from '@ursa/policy';
import { tagNames } from '@ursa/resources';
import { callerTags, type DataplaneFacts } from '../dataplane-facts.ts';
import type { Destination } from '../destinations.ts';
import { policiesOf } from '../held-back.ts';
import { type Finding, finding } from '../lint/finding.ts';
import { isHttp } from '../protocol.ts';
import type { Traffic } from '../traffic-path.ts';
import { policiesIn } from './applied-policies.ts';
import { type ExplainParts, keyOfProxy, whyHeldBack } from './explain-parts.ts';
import type { AppliedPolicies, PolicyReference } from './explanation.ts';
import { nameOf } from './find-outbound.ts';

/** What of an explanation is about them. */
export interface OlderRoutes {
  readonly applied: readonly AppliedPolicies[];
  /** Those that mean the request and cannot have an effect on it, because something of a newer kind is in their place. */
  readonly withoutEffect: readonly Finding[];
}

/** A route of an older form by its names. `field`: the part of it that is meant. */
export function olderReference({ type, displayName }: PolicyHead, field: string): PolicyReference {
  return { type, name: displayName, kri: '', field };
}

/** Looks at all of them. */
export function olderRoutesOf(
  parts: ExplainParts,
  client: DataplaneFacts,
  destination: Destination,
  traffic: Traffic,
): OlderRoutes {
  const applied: AppliedPolicies[] = [];
  const withoutEffect: Finding[] = [];
  for (const type of olderRouteTypes(parts.policies)) {
    const heads = policiesIn(parts, type, client.mesh);
    if (heads.length === 0) continue;
    const decided = traffic.older?.head.type === type ? traffic.older.head : undefined;
    const others = heads.filter(({ key }) => key !== decided?.key);
    const lost = others.map((head) => {
      const { reason, replaced } = whyNot(parts, { head, client, destination, decided });
      if (replaced) withoutEffect.push(idle(head, reason));
      return { policy: olderReference(head, ''), reason };
    });
    const decidedBy = decided === undefined ? [] : [olderReference(decided, 'conf')];
    const said = decided === undefined ? [] : [...confFields(traffic.older?.conf)];
    const effects = said.map(([path, value]) => `${path}: ${JSON.stringify(value)}`);
    applied.push({ type, side: 'client', effects, decidedBy, lost });
  }
  return { applied, withoutEffect: withoutEffect.slice(0, mostFindings) };
}

/** More of them say nothing that the first ones do not. */
const mostFindings = 20;

function idle({ type, displayName, resource }: PolicyHead, reason: string): Finding {
  const message = `${type} ${displayName} selects this request and has no effect: ${reason}`;
  return finding('older-policy', message, 'say it in the newer route, or remove it', resource);
}

interface Loser {
  readonly head: PolicyHead;
  readonly client: DataplaneFacts;
  readonly destination: Destination;
  readonly decided: PolicyHead | undefined;
}

/** `replaced`: it means the request, and something newer is in its place. */
interface Loss {
  readonly reason: string;
  readonly replaced: boolean;
}

function whyNot(parts: ExplainParts, { head, client, destination, decided }: Loser): Loss {
  const because = (reason: string, replaced = false): Loss => ({ reason, replaced });
  const key = keyOfProxy(client);
  if (policiesOf(parts.heldBack.get(key)).includes(head.key)) {
    return because(`it is held back, ${whyHeldBack(parts, key, head.key)}`);
  }
  const caller = fitOfCaller(head.resource, callerTags(client));
  if (caller === undefined) return because(`its sources do not select ${client.name}`);
  const name = nameOf(destination);
  const called = fitOfCalled(head.resource, { [tagNames.service]: name });
  if (called === undefined) return because(`its destinations do not name ${name}`);
  const { target } = destination;
  if (target.kind === 'resource') {
    return because(`it speaks of services by their tag, and ${name} is called as a ${target.id.type}`, true);
  }
  if (decided === undefined) {
    const newer = newerRoute(parts, key, destination);
    const said = newer === undefined ? 'a newer route' : `${newer.type} ${newer.displayName}`;
    return because(`${said} speaks of ${name}, and newer routes win`, true);
  }
  return because(`${decided.displayName} wins: ${whyCloser(decided, head, client, name)}`);
}

function newerRoute({ policies, rules }: ExplainParts, key: string, destination: Destination): PolicyHead | undefined {
  const speaking = ({ name, routing }: ProxyPolicy): readonly PolicyHead[] => {
    if (routing === undefined || (routing.kind === 'http' && !isHttp(destination.protocol))) return [];
    const found = rules.outboundRules.get(key).get(name);
    return (found && routedConf(found, destination.target)?.origins.map(({ head }) => head)) ?? [];
  };
  return policies.flatMap(speaking)[0];
}

function whyCloser(winner: PolicyHead, { resource }: PolicyHead, client: DataplaneFacts, service: string): string {
  const sets = callerTags(client);
  const [winning, losing] = [winner.resource, resource].map((each) => {
    const [tags = 0, exact = 0] = fitOfCaller(each, sets) ?? [];
    const [calledTags = 0, calledExact = 0] = fitOfCalled(each, { [tagNames.service]: service }) ?? [];
    return [tags + calledTags, exact + calledExact] as const;
  });
  if (winning === undefined || losing === undefined || compareFits(winning, losing) !== 0) {
    return 'its sources and destinations are more specific';
  }
  return winner.resource.creationTime === resource.creationTime
    ? 'of equals the first by name holds'
    : 'of equals the younger holds';
}
