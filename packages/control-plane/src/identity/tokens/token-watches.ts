// Tells the holders of a token (open streams) when it stops being valid: revoked, its key removed, or expired.
// Nothing is polled: the graph says when keys or revocations change, one timer stands at the nearest expiry.
import type { Derivation, Graph, Watch } from '@ursa/collections';
import type { TokenKind } from '@ursa/resources';
import type { Clock } from '../clock.ts';
import type { TokenKeys } from './token-keys.ts';

/** What identifies a token in use. */
export interface TokenInUse {
  readonly kind: TokenKind;
  /** '' for tokens that belong to no mesh. */
  readonly mesh: string;
  readonly jti: string;
  /** Seconds since 1970. */
  readonly exp: number;
  /** Serial number of its key; undefined when a key that is configured, not stored, signed it: such keys cannot go away. */
  readonly storedKid: string | undefined;
}

interface Holder {
  readonly token: TokenInUse;
  readonly onInvalid: (reason: string) => void;
}

/** Tokens of one kind and mesh that are in use, under one watch of their keys. */
interface Group {
  readonly holders: Set<Holder>;
  readonly watch: Watch<TokenKeys>;
}

/** Watches tokens in use; each holder is called back at most once, then forgotten. */
export interface TokenWatches {
  add(token: TokenInUse, onInvalid: (reason: string) => void): { stop(): void };
  stop(): void;
}

/** Why a token does not count any more by the keys and revocations of now; undefined while it does. Expiry is not looked at. */
export function revocationReason(keys: TokenKeys, token: Pick<TokenInUse, 'jti' | 'storedKid'>): string | undefined {
  if (keys.revoked.includes(token.jti)) return `token ${token.jti} is revoked; generate a new token`;
  if (token.storedKid !== undefined && !keys.signingKeys.some((key) => key.kid === token.storedKid)) {
    return `the signing key with KID ${token.storedKid} was removed; generate a new token`;
  }
  return undefined;
}

/** Opens the watches. */
export function openTokenWatches(
  graph: Graph,
  tokenKeys: Derivation<readonly [kind: TokenKind, mesh: string], TokenKeys>,
  clock: Clock,
): TokenWatches {
  const groups = new Map<string, Group>();
  let nearestExpiry = Number.POSITIVE_INFINITY;
  let timer: { stop(): void } | undefined;

  const remove = (holder: Holder): boolean => {
    const id = groupId(holder.token);
    const group = groups.get(id);
    if (group === undefined || !group.holders.delete(holder)) return false;
    if (group.holders.size === 0) {
      group.watch.stop();
      groups.delete(id);
    }
    return true;
  };
  const invalidate = (holder: Holder, reason: string): void => {
    if (remove(holder)) holder.onInvalid(reason);
  };
  const closeRevoked = (holders: Iterable<Holder>, keys: TokenKeys): void => {
    for (const holder of [...holders]) {
      const reason = revocationReason(keys, holder.token);
      if (reason !== undefined) invalidate(holder, reason);
    }
  };
  const wakeAt = (expiry: number): void => {
    if (expiry >= nearestExpiry) return;
    timer?.stop();
    nearestExpiry = expiry;
    timer = clock.at(expiry, closeExpired);
  };
  // Holders that left before their expiry only make the timer wake once for nothing.
  const closeExpired = (): void => {
    nearestExpiry = Number.POSITIVE_INFINITY;
    let next = Number.POSITIVE_INFINITY;
    for (const holder of [...groups.values()].flatMap((group) => [...group.holders])) {
      const expiry = holder.token.exp * 1000;
      if (expiry <= clock.now()) invalidate(holder, 'token has expired; generate a new token');
      else next = Math.min(next, expiry);
    }
    wakeAt(next);
  };
  const groupOf = (token: TokenInUse): Group => {
    const id = groupId(token);
    let group = groups.get(id);
    if (group === undefined) {
      const holders = new Set<Holder>();
      const watch = graph.watch(tokenKeys, [token.kind, token.mesh], (keys) => closeRevoked(holders, keys));
      group = { holders, watch };
      groups.set(id, group);
    }
    return group;
  };

  return {
    add(token, onInvalid) {
      const holder = { token, onInvalid };
      const group = groupOf(token);
      group.holders.add(holder);
      wakeAt(token.exp * 1000);
      // It may have been revoked between its verification and now.
      closeRevoked([holder], group.watch.value);
      return { stop: () => void remove(holder) };
    },
    stop() {
      timer?.stop();
      for (const group of groups.values()) group.watch.stop();
      groups.clear();
    },
  };
}

function groupId(token: TokenInUse): string {
  return `${token.kind}/${token.mesh}`;
}
