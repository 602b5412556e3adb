// All tables of one family. Beside nat there are zones of connection tracking for DNS (raw), and packets that belong to no connection (mangle).
import { natTable } from './nat-table.ts';
import { dropJump, type Match, owner, type Rule, type Table, udp } from './rule.ts';
import { dnsPort, type RuleFacts, redirectedDns } from './rule-facts.ts';

const applicationZone = 2;
const upstreamZone = 1;

/** The tables in the order in which they are set; those without rules are left out. Throws `MeshError` when an exclusion makes no sense. */
export function buildTables(facts: RuleFacts): readonly Table[] {
  return [rawTable(facts), natTable(facts), mangleTable(facts)].filter(({ rules }) => rules.length > 0);
}

/**
 * An application's request to a server and kuma-dp's own request to it may have the same ports. In two zones they are two connections, and neither
 * gets the other's answer.
 */
function rawTable(facts: RuleFacts): Table {
  const { config, uid, capabilities } = facts;
  const dns = config.dnsSkipZoneSplit || !capabilities.zones ? undefined : redirectedDns(facts);
  if (dns === undefined) return { name: 'raw', chains: [], rules: [] };
  const answersOf = (port: number): Match => ({ kind: 'protocol', protocol: 'udp', sourcePort: String(port) });
  const rules =
    dns === 'all'
      ? [
          zoned({ chain: 'OUTPUT', zone: applicationZone, matches: [udp(dnsPort)], what: 'all DNS requests' }),
          zoned({ chain: 'PREROUTING', zone: upstreamZone, matches: [answersOf(dnsPort)], what: 'all DNS responses' }),
        ]
      : dns.flatMap((address) => [
          zoned({
            ...{ chain: 'OUTPUT', zone: applicationZone, matches: [{ kind: 'destination', address }, udp(dnsPort)] },
            what: `DNS requests destined for ${address}`,
          }),
          zoned({
            ...{ chain: 'PREROUTING', zone: upstreamZone, matches: [{ kind: 'source', address }, answersOf(dnsPort)] },
            what: `DNS responses from ${address}`,
          }),
        ]);
  const ofKumaDp = [
    zoned({
      ...{ chain: 'OUTPUT', zone: upstreamZone, matches: [udp(dnsPort), owner(uid)] },
      what: `DNS traffic from the kuma-dp user (UID ${uid})`,
    }),
    zoned({
      ...{ chain: 'OUTPUT', zone: applicationZone, matches: [answersOf(config.dnsPort), owner(uid)] },
      what: 'DNS responses from the kuma-dp DNS proxy',
    }),
  ];
  return { name: 'raw', chains: [], rules: [...ofKumaDp, ...rules] };
}

interface ZonedTraffic {
  readonly chain: string;
  readonly zone: number;
  readonly matches: readonly Match[];
  readonly what: string;
}

function zoned({ chain, zone, matches, what }: ZonedTraffic): Rule {
  return {
    chain,
    matches,
    jump: { kind: 'zone', zone },
    comment: `assign connection tracking zone ${zone} to ${what}`,
  };
}

function mangleTable({ config, capabilities }: RuleFacts): Table {
  if (!config.dropInvalidPackets || !capabilities.mangle) return { name: 'mangle', chains: [], rules: [] };
  const rule: Rule = {
    chain: 'PREROUTING',
    matches: [{ kind: 'invalidConnection' }],
    jump: dropJump,
    comment: 'drop packets in the INVALID state to prevent potential issues with malformed or out-of-order packets',
  };
  return { name: 'mangle', chains: [], rules: [rule] };
}
