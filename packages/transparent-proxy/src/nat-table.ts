// The table nat: where connections are redirected. Traffic that arrives goes PREROUTING → INBOUND → INBOUND_REDIRECT → Envoy's inbound port, traffic
// that leaves goes OUTPUT → OUTBOUND → OUTBOUND_REDIRECT → Envoy's outbound port.
import { addressesOf, parseUserExclusion, parseVirtualNetwork } from './exclusions.ts';
import { ownChains } from './marks.ts';
import { outboundChain } from './outbound-chain.ts';
import { type Jump, owner, protocol, type Rule, returnJump, type Table, tcp, udp } from './rule.ts';
import { dnsPort, type RuleFacts, redirectedDns } from './rule-facts.ts';

const prerouting = 'PREROUTING';
const output = 'OUTPUT';

/** Rules and chains of the table nat. */
export function natTable(facts: RuleFacts): Table {
  const { config } = facts;
  return {
    name: 'nat',
    chains: [ownChains.inbound, ownChains.outbound, ownChains.inboundRedirect, ownChains.outboundRedirect],
    rules: [
      ...preroutingRules(facts),
      ...outputRules(facts),
      ...inboundChain(facts),
      ...outboundChain(facts),
      toEnvoy(ownChains.inboundRedirect, config.inboundPort),
      toEnvoy(ownChains.outboundRedirect, config.outboundPort),
    ],
  };
}

function toEnvoy(chain: string, port: number): Rule {
  const comment = `redirect TCP traffic to envoy (port ${port})`;
  return { chain, matches: [tcp()], jump: { kind: 'redirect', port }, comment };
}

function logRule({ config }: RuleFacts, chain: string): readonly Rule[] {
  if (!config.logEnabled) return [];
  const jump: Jump = { kind: 'log', prefix: `${chain}:`, level: config.logLevel };
  return [{ chain, insert: true, matches: [], jump, comment: 'log matching packets using kernel logging' }];
}

function preroutingRules(facts: RuleFacts): readonly Rule[] {
  const { config, family } = facts;
  const chain = prerouting;
  const networks = config.vnetNetworks
    .map(parseVirtualNetwork)
    .filter((network) => network.family === family)
    .sort((first, second) => (first.interfaceName < second.interfaceName ? -1 : 1));
  const insert = networks.length > 0 || config.inboundInsert;
  const containers = networks.flatMap(({ interfaceName, network }): readonly Rule[] => [
    {
      ...{ chain, insert },
      matches: [{ kind: 'inInterface', name: interfaceName }, { kind: 'module', name: 'udp' }, udp(dnsPort)],
      jump: { kind: 'redirect', port: config.dnsPort },
      comment: `redirect DNS requests on interface ${interfaceName} to the kuma-dp DNS proxy (listening on port ${config.dnsPort})`,
    },
    {
      ...{ chain, insert },
      matches: [
        { kind: 'destination', address: network, not: true },
        { kind: 'inInterface', name: interfaceName },
        tcp(),
      ],
      jump: { kind: 'redirect', port: config.outboundPort },
      comment: `redirect TCP traffic on interface ${interfaceName}, excluding destination ${network}, to the envoy's outbound passthrough port ${config.outboundPort}`,
    },
  ]);
  const which = insert ? 'remaining' : 'inbound';
  return [
    ...logRule(facts, chain),
    ...containers,
    {
      ...{ chain, insert },
      matches: [tcp()],
      jump: { kind: 'chain', name: ownChains.inbound },
      comment: `redirect ${which} TCP traffic to our custom chain for processing`,
    },
  ];
}

function outputRules(facts: RuleFacts): readonly Rule[] {
  return [
    ...logRule(facts, output),
    ...outputExclusions(facts),
    ...outputDns(facts),
    {
      chain: output,
      insert: facts.config.outboundInsert,
      matches: [tcp()],
      jump: { kind: 'chain', name: ownChains.outbound },
      comment: 'redirect outbound TCP traffic to our custom chain for processing',
    },
  ];
}

function outputExclusions({ config, family }: RuleFacts): readonly Rule[] {
  const basics = {
    chain: output,
    insert: true,
    jump: returnJump,
    comment: 'skip further processing for configured IP addresses, ports and UIDs',
  };
  const users = config.outboundExcludeUids.flatMap(parseUserExclusion);
  const addresses = addressesOf(family, config.outboundExcludeIps, 'redirect.outbound.excludePortsForIPs');
  return [
    ...users.map(
      ({ protocol: name, ports, uids }): Rule => ({
        ...basics,
        matches: [{ kind: 'module', name: 'multiport' }, protocol(name, ports.join(',')), owner(uids)],
      }),
    ),
    ...addresses.map((address): Rule => ({ ...basics, matches: [{ kind: 'destination', address }] })),
  ];
}

function outputDns(facts: RuleFacts): readonly Rule[] {
  const { config, uid, capabilities } = facts;
  const dns = redirectedDns(facts);
  if (dns === undefined) return [];
  const toKumaDp: Jump = { kind: 'redirect', port: config.dnsPort };
  const listening = `the kuma-dp DNS proxy (listening on port ${config.dnsPort})`;
  const chain = output;
  const requests: readonly Rule[] =
    dns === 'all'
      ? [
          {
            ...{ chain, insert: true, jump: toKumaDp },
            matches: [udp(dnsPort)],
            comment: `redirect all DNS requests to ${listening}`,
          },
        ]
      : dns.map((address) => ({
          ...{ chain, insert: true, jump: toKumaDp },
          matches: [{ kind: 'destination', address }, udp(dnsPort)],
          comment: `redirect DNS requests to ${address} to ${listening}`,
        }));
  return [
    {
      ...{ chain, insert: true },
      matches: [udp(dnsPort), owner(uid)],
      jump: capabilities.dockerDns ? { kind: 'chain', name: 'DOCKER_OUTPUT' } : returnJump,
      comment: capabilities.dockerDns
        ? 'redirect DNS traffic from kuma-dp to the DOCKER_OUTPUT chain'
        : 'return early for DNS traffic from kuma-dp',
    },
    {
      ...{ chain, insert: config.outboundInsert },
      matches: [tcp(dnsPort), owner(uid, true)],
      jump: returnJump,
      comment: `allow applications to perform DNS queries over TCP to port ${dnsPort} without mesh redirection (only traffic not owned by UID ${uid} (kuma-dp user))`,
    },
    ...requests,
  ];
}

function inboundChain({ config, family }: RuleFacts): readonly Rule[] {
  const chain = ownChains.inbound;
  if (!config.inboundEnabled)
    return [{ chain, matches: [tcp()], jump: returnJump, comment: 'inbound traffic redirection is disabled' }];
  const addresses = addressesOf(family, config.inboundExcludeIps, 'redirect.inbound.excludePortsForIPs');
  const toRedirect: Jump = { kind: 'chain', name: ownChains.inboundRedirect };
  const included = config.inboundIncludePorts.map((port): Rule => {
    const comment = `redirect inbound traffic from port ${port} to the custom chain for processing`;
    return { chain, matches: [tcp(port)], jump: toRedirect, comment };
  });
  const excluded = config.inboundExcludePorts.map((port): Rule => {
    const comment = `exclude inbound traffic from port ${port} from redirection`;
    return { chain, matches: [tcp(port)], jump: returnJump, comment };
  });
  const all: Rule = {
    ...{ chain, matches: [tcp()], jump: toRedirect },
    comment: 'redirect all inbound traffic to the custom chain for processing',
  };
  return [
    ...addresses.map(
      (address): Rule => ({
        ...{ chain, matches: [{ kind: 'source', address }], jump: returnJump },
        comment: 'skip further processing for configured IP address',
      }),
    ),
    ...(included.length > 0 ? included : [...excluded, all]),
  ];
}
