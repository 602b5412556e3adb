// Waits until the proxies have a revision, and says how far they are: for `apply --wait` and `rollout status`.
import { InvalidArgumentError } from 'commander';
import { CommandEnd, exitCodes } from './exit-codes.ts';
import { field, listOf } from './json-fields.ts';
import type { Session } from './session.ts';

/** How many proxies must have a change, in percent of those that are connected. */
export type Share = number;

/** Reads `all` or `95%`. */
export function parseShare(text: string): Share {
  if (text === 'all') return 100;
  const share = /^(\d{1,3})%$/.exec(text)?.[1];
  if (share === undefined || Number(share) < 1 || Number(share) > 100)
    throw new InvalidArgumentError('Expected "all" or a share such as 95%.');
  return Number(share);
}

/** What to wait for. */
export interface RolloutGoal {
  readonly revision: number;
  /** Proxies of one mesh, or of all. */
  readonly mesh: string | undefined;
  readonly share: Share;
  /** Milliseconds; 0 looks once. */
  readonly timeout: number;
}

/** The control plane's answer. */
interface Progress {
  readonly done: boolean;
  readonly acked: number;
  readonly pending: number;
  readonly refused: number;
  readonly total: number;
  readonly items: readonly unknown[];
  /** Instances of the control plane that did not say how far their proxies are. */
  readonly silent: readonly unknown[];
}

// One request waits no longer than this, so that progress is shown while it goes on.
const longestStep = 2_000;
const listedProxies = 10;

/**
 * Follows a roll-out to its end and prints each step. Errors: `CommandEnd` with the code for a refusal, as soon as one is known that the
 * revision caused, or for too little time.
 */
export async function followRollout(session: Session, goal: RolloutGoal): Promise<void> {
  const end = session.terminal.now() + goal.timeout;
  let shown = '';
  for (;;) {
    const left = Math.max(0, end - session.terminal.now());
    const progress = await ask(session, goal, Math.min(left, longestStep));
    const line = describe(goal, progress);
    if (line !== shown) session.terminal.print(`${line}\n`);
    shown = line;
    if (isReached(goal, progress)) return;
    if (isRefused(goal, progress)) throw new CommandEnd(exitCodes.refused, refusalText(goal, progress));
    if (session.terminal.now() >= end) throw new CommandEnd(exitCodes.timeout, lateText(goal, progress));
  }
}

/** Reads how far a revision is, as the control plane answers it. */
export function rolloutPath(mesh: string | undefined, query: URLSearchParams): string {
  const base = mesh === undefined ? '' : `/meshes/${encodeURIComponent(mesh)}`;
  return `${base}/_rollout${query.size > 0 ? `?${query}` : ''}`;
}

async function ask(session: Session, { revision, mesh }: RolloutGoal, wait: number): Promise<Progress> {
  const query = new URLSearchParams({ revision: String(revision), size: '1000' });
  if (wait > 0) query.set('wait', `${Math.ceil(wait)}ms`);
  const answer = await session.client().get(rolloutPath(mesh, query));
  const count = (name: string): number => Number(field(answer, 'counts', name) ?? 0);
  return {
    done: field(answer, 'done') === true,
    acked: count('acked'),
    pending: count('pending'),
    refused: count('refused'),
    total: count('total'),
    items: listOf(answer, 'items'),
    silent: listOf(answer, 'silentInstances'),
  };
}

function isReached({ share }: RolloutGoal, { done, acked, total, silent }: Progress): boolean {
  return done || (share < 100 && silent.length === 0 && total > 0 && acked * 100 >= total * share);
}

/** One refusal ends the wait for all; the wait for a share ends when the share cannot be reached any more. */
function isRefused({ revision, share }: RolloutGoal, { refused, pending, total, items }: Progress): boolean {
  if (refused === 0) return false;
  if (share < 100) return (total - refused) * 100 < total * share;
  return (
    pending === 0 || items.some((proxy) => refusalsOf(proxy).some((one) => Number(field(one, 'revision')) >= revision))
  );
}

function describe({ revision }: RolloutGoal, { acked, pending, refused, total, silent }: Progress): string {
  const parts = [`${acked} of ${total} ${total === 1 ? 'proxy has' : 'proxies have'} it`];
  if (pending > 0) parts.push(`${pending} pending`);
  if (refused > 0) parts.push(`${refused} ${refused === 1 ? 'refuses' : 'refuse'} it`);
  if (silent.length > 0) parts.push(`no answer from ${silent.map((one) => field(one, 'instance')).join(', ')}`);
  return `revision ${revision}: ${parts.join(', ')}`;
}

const refusalsOf = (proxy: unknown): readonly unknown[] => listOf(proxy, 'refusals');
const nameOf = (proxy: unknown): string => `${field(proxy, 'mesh')}/${field(proxy, 'name')}`;

function refusalText({ revision }: RolloutGoal, { items }: Progress): string {
  const refusing = items.filter((proxy) => field(proxy, 'state') === 'refused');
  const lines = refusing.slice(0, listedProxies).flatMap((proxy) => [
    ...refusalsOf(proxy).map((one) => {
      const earlier = Number(field(one, 'revision')) < revision ? ` since revision ${field(one, 'revision')}` : '';
      return `* ${nameOf(proxy)} refuses ${field(one, 'type')} ${field(one, 'resource')}${earlier}: ${field(one, 'message')}`;
    }),
    ...listOf(proxy, 'heldBack').map((one) => {
      const policy = `${field(one, 'type')} ${JSON.stringify(field(one, 'name'))}`;
      return `* ${nameOf(proxy)} does without ${policy}, which it refuses since ${field(one, 'since')}: ${field(one, 'message')}`;
    }),
  ]);
  return [
    'Error: the roll-out was stopped by proxies that refuse it; they keep what they had:',
    ...lines,
    ...rest(refusing),
  ].join('\n');
}

function lateText({ timeout }: RolloutGoal, { items, silent }: Progress): string {
  const pending = items.filter((proxy) => field(proxy, 'state') !== 'acked');
  const lines = pending.slice(0, listedProxies).map((proxy) => {
    const waits = field(proxy, 'waitsFor') === undefined ? '' : ` (waits for its ${field(proxy, 'waitsFor')})`;
    return `* ${nameOf(proxy)} is ${field(proxy, 'state')}${waits}`;
  });
  const late = timeout > 0 ? `was not over within ${timeout / 1000} s (--timeout)` : 'is not over';
  const unknown = silent.map((one) => `* what proxies of another instance have is not known: ${field(one, 'reason')}`);
  return [`Error: the roll-out ${late}:`, ...lines, ...rest(pending), ...unknown].join('\n');
}

function rest(proxies: readonly unknown[]): readonly string[] {
  return proxies.length > listedProxies ? [`* and ${proxies.length - listedProxies} more`] : [];
}
