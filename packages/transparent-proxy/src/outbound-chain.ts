// The chain for traffic that leaves. Envoy's own must not come back to it, what it sends to the host's own addresses has to arrive as if from
// outside, and what applications say to the loopback is theirs.
import { ownChains } from './marks.ts';
import { type Jump, owner, type Rule, returnJump, tcp } from './rule.ts';
import { familyAddresses, type RuleFacts } from './rule-facts.ts';

/** Rules of the chain. */
export function outboundChain({ config, family, uid, loopback }: RuleFacts): readonly Rule[] {
  const chain = ownChains.outbound;
  if (!config.outboundEnabled)
    return [{ chain, matches: [tcp()], jump: returnJump, comment: 'outbound traffic redirection is disabled' }];
  const { localhost, bypass } = familyAddresses[family];
  const onLoopback = { kind: 'outInterface', name: loopback } as const;
  const toRedirect: Jump = { kind: 'chain', name: ownChains.outboundRedirect };
  const excluded = config.outboundExcludePorts.map((port): Rule => {
    const comment = `exclude outbound traffic from port ${port} from redirection`;
    return { chain, matches: [tcp(port)], jump: returnJump, comment };
  });
  const included = config.outboundIncludePorts.map((port): Rule => {
    const comment = `redirect outbound TCP traffic to port ${port} to our custom chain for further processing`;
    return { chain, matches: [tcp(port)], jump: toRedirect, comment };
  });
  const all: Rule = {
    ...{ chain, matches: [], jump: toRedirect },
    comment: 'redirect all other outbound traffic to our custom chain for further processing',
  };
  return [
    ...(included.length > 0 ? [] : excluded),
    {
      chain,
      matches: [{ kind: 'source', address: bypass }, onLoopback],
      jump: returnJump,
      comment: `prevent traffic loops by ensuring traffic from the sidecar proxy (using ${bypass}) to loopback interface is not redirected again`,
    },
    {
      chain,
      matches: [tcp(), onLoopback, { kind: 'destination', address: localhost, not: true }, owner(uid)],
      jump: { kind: 'chain', name: ownChains.inboundRedirect },
      comment: `redirect outbound TCP traffic destined for loopback interface, but not targeting address ${localhost}, and owned by UID ${uid} (kuma-dp user) to ${ownChains.inboundRedirect} chain for proper handling`,
    },
    {
      chain,
      matches: [tcp(), onLoopback, owner(uid, true)],
      jump: returnJump,
      comment: `return outbound TCP traffic destined for loopback interface, owned by any UID other than ${uid} (kuma-dp user)`,
    },
    {
      chain,
      matches: [owner(uid)],
      jump: returnJump,
      comment: `return outbound traffic owned by UID ${uid} (kuma-dp user)`,
    },
    {
      chain,
      matches: [{ kind: 'destination', address: localhost }],
      jump: returnJump,
      comment: `return traffic destined for localhost (${localhost}) to avoid redirection`,
    },
    ...(included.length > 0 ? included : [all]),
  ];
}
