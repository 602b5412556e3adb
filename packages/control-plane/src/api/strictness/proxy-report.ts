// What stands between a proxy and strict mTLS: as it is told between instances, to users and in refusals.

/** States of a proxy, the worst first. `new name`: its certificate would be for a name that its clients have not heard of. */
export type ProxyState =
  | 'no certificate'
  | 'new name'
  | 'plaintext'
  | 'undecided'
  | 'unknown'
  | 'ready'
  | 'strict'
  | 'no mTLS';

/** One proxy. */
export interface ProxyReport {
  readonly mesh: string;
  readonly name: string;
  readonly state: ProxyState;
  /** Why, for people; '' when there is nothing to say. */
  readonly reason: string;
  /** True when the change in question takes something from it: an inbound's plain text, its certificate, its name. */
  readonly affected: boolean;
}

/** An instance of the control plane that could not say how its proxies fare. */
export interface SilentInstance {
  readonly instance: string;
  readonly proxies: number;
  readonly reason: string;
}

/** Whether somebody would be cut off. */
export function wouldBreak({ state }: Pick<ProxyReport, 'state'>): boolean {
  return state === 'no certificate' || state === 'new name' || state === 'plaintext' || state === 'undecided';
}

/** Milliseconds as people say them. */
export function formatSpan(milliseconds: number): string {
  const seconds = Math.ceil(milliseconds / 1000);
  return seconds < 120 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`;
}
