// Rules that tell clients apart: for each match the merged conf of the clients that it selects.
import { type InboundMatch, type InboundRule, mergeConfs, type PolicyHead } from '@ursa/policy';

/** What is said of the clients of one match. */
export interface ClientRule<Conf> {
  readonly match: InboundMatch;
  readonly conf: Conf;
  /** The strongest of the policies that name this match. */
  readonly origin: PolicyHead;
}

// SPIFFE ID, section 2.3: URIs have at most 2048 bytes.
const maximumLength = 2049;

/**
 * One conf for each match, narrower ones first. It is merged of all rules whose match takes in these clients, from the widest to the
 * narrowest, so that a rule may say only what differs.
 */
export function clientRules<Conf>(rules: readonly InboundRule<Conf>[]): readonly ClientRule<Conf>[] {
  const narrow = rules.filter(({ match }) => match !== undefined);
  const ordered = narrow.toSorted((first, second) => narrowness(second.match) - narrowness(first.match));
  const found = new Map<string, ClientRule<Conf>>();
  for (const { match } of ordered) {
    if (match === undefined || found.has(keyOf(match))) continue;
    const strongest = ordered.findLast((rule) => keyOf(rule.match) === keyOf(match));
    const applying = widestFirst(ordered, rules).filter((rule) => takesIn(rule.match, match));
    const [conf] = mergeConfs<Conf>(applying.map((rule) => rule.conf));
    if (strongest !== undefined && conf !== undefined) {
      found.set(keyOf(match), { match, conf, origin: strongest.origin.head });
    }
  }
  return [...found.values()];
}

// Rules of one match keep their order, the weakest first.
function widestFirst<Conf>(
  ordered: readonly InboundRule<Conf>[],
  rules: readonly InboundRule<Conf>[],
): InboundRule<Conf>[] {
  const keys = [...new Set(ordered.map(({ match }) => keyOf(match)))].reverse();
  const general = rules.filter(({ match }) => match === undefined);
  return [...general, ...keys.flatMap((key) => ordered.filter(({ match }) => keyOf(match) === key))];
}

function keyOf(match: InboundMatch | undefined): string {
  const { spiffeID, sni } = match ?? {};
  return JSON.stringify([spiffeID?.type, spiffeID?.value, sni?.value]);
}

// Identities tell more than server names, whole ones more than prefixes, longer prefixes more than short ones.
function narrowness(match: InboundMatch | undefined): number {
  const { spiffeID, sni } = match ?? {};
  const identity = spiffeID?.type === 'Exact' ? maximumLength : (spiffeID?.value.length ?? 0);
  return 2 * identity + (sni === undefined ? 0 : 1);
}

/** True when every client of `narrow` is one of `wide`. */
function takesIn(wide: InboundMatch | undefined, narrow: InboundMatch): boolean {
  if (wide === undefined) return true;
  if (wide.sni !== undefined && wide.sni.value !== narrow.sni?.value) return false;
  if (wide.spiffeID === undefined) return true;
  if (narrow.spiffeID === undefined) return false;
  return wide.spiffeID.type === 'Exact'
    ? narrow.spiffeID.type === 'Exact' && narrow.spiffeID.value === wide.spiffeID.value
    : narrow.spiffeID.value.startsWith(wide.spiffeID.value);
}
