// A rule of iptables as data. How it is written stands in format-rule.ts.

/** Something that a packet has to be, for a rule to apply. */
export type Match =
  | {
      readonly kind: 'protocol';
      readonly protocol: 'tcp' | 'udp';
      /** One port, or what multiport takes. */
      readonly destinationPort?: string;
      readonly sourcePort?: string;
    }
  | { readonly kind: 'source' | 'destination'; readonly address: string; readonly not?: boolean }
  | { readonly kind: 'inInterface' | 'outInterface'; readonly name: string }
  | { readonly kind: 'owner'; readonly uids: string; readonly not?: boolean }
  | { readonly kind: 'module'; readonly name: 'multiport' | 'udp' }
  | { readonly kind: 'invalidConnection' };

/** What happens to the packet. */
export type Jump =
  | { readonly kind: 'chain'; readonly name: string }
  | { readonly kind: 'redirect'; readonly port: number }
  | { readonly kind: 'zone'; readonly zone: number }
  | { readonly kind: 'log'; readonly prefix: string; readonly level: number };

/** One rule. */
export interface Rule {
  readonly chain: string;
  /** Goes before the rules that others put into the chain. */
  readonly insert?: boolean;
  readonly matches: readonly Match[];
  readonly jump: Jump;
  /** What it is for; also how it is found again. */
  readonly comment: string;
}

/** The rules of one table, in the order in which they are made, and the chains of our own. */
export interface Table {
  readonly name: 'raw' | 'nat' | 'mangle';
  readonly chains: readonly string[];
  readonly rules: readonly Rule[];
}

/** The kernel's own ends of a chain. */
export const returnJump: Jump = { kind: 'chain', name: 'RETURN' };
/** The packet goes no further. */
export const dropJump: Jump = { kind: 'chain', name: 'DROP' };

/** A TCP packet, to a port if one is given. */
export function tcp(destinationPort?: number | string): Match {
  return protocol('tcp', destinationPort);
}

/** A UDP packet, to a port if one is given. */
export function udp(destinationPort?: number | string): Match {
  return protocol('udp', destinationPort);
}

/** A packet of TCP or UDP. */
export function protocol(name: 'tcp' | 'udp', destinationPort?: number | string): Match {
  return {
    kind: 'protocol',
    protocol: name,
    ...(destinationPort === undefined ? {} : { destinationPort: String(destinationPort) }),
  };
}

/** A packet that a process of a user sends. */
export function owner(uids: string, not = false): Match {
  return { kind: 'owner', uids, not };
}
