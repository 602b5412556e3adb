// The roll-out over all instances: each knows its own connections. Who does not answer in time is named, never silently left out.
import { setTimeout as sleep } from 'node:timers/promises';
import { MeshError } from '@ursa/resources';
import type { InstanceCalls } from '../../instances/calls.ts';
import type { Instances, KnownInstance } from '../../instances/instances.ts';
import type { ProxyRollout, RolloutView } from '../../xds/rollout.ts';
import { type FollowRollout, isRefused, type RolloutQuestion } from '../follow-rollout.ts';

/** An instance of whose proxies nothing is known now. */
export interface SilentInstance {
  readonly instance: string;
  readonly reason: string;
}

/** The roll-out of all instances. */
export interface GatheredRollout extends RolloutView {
  readonly silent: readonly SilentInstance[];
}

/** What is gathered from. */
export interface Gathering {
  readonly instances: Instances;
  readonly calls: InstanceCalls;
}

const call = 'rollout';
// An answer that is ready takes milliseconds.
const slack = 2_000;
const pause = 500;

/** Answers the others, and asks them. */
export function gatherRollout(
  follow: FollowRollout,
  { instances, calls }: Gathering,
): (question: RolloutQuestion) => Promise<GatheredRollout> {
  calls.answer(call, (question) => follow(question as RolloutQuestion));
  const askOther = async (other: KnownInstance, question: RolloutQuestion): Promise<GatheredRollout> => {
    try {
      const view = (await calls.ask(other, call, question, question.wait + slack)) as RolloutView;
      return { ...view, silent: [] };
    } catch (error) {
      // Whoever asks again and again does so no faster for it.
      await sleep(Math.min(question.wait, pause));
      const reason = error instanceof MeshError ? error.message : 'its answer makes no sense';
      return { processed: Number.POSITIVE_INFINITY, proxies: [], silent: [{ instance: other.id, reason }] };
    }
  };
  return async (question) => {
    const others = instances.list().filter((each) => each.id !== instances.self && instances.isLiving(each));
    const askOwn = async (own: RolloutQuestion): Promise<GatheredRollout> => ({ ...(await follow(own)), silent: [] });
    const sources = [askOwn, ...others.map((other) => (each: RolloutQuestion) => askOther(other, each))];
    if (others.length === 0) return await askOwn(question);
    const answers = await untilRefused(sources, question);
    return merge(answers);
  };
}

type Source = (question: RolloutQuestion) => Promise<GatheredRollout>;

/** All answers; when one of them tells of a refusal, the others are not waited for: they say where they are. */
async function untilRefused(
  sources: readonly Source[],
  question: RolloutQuestion,
): Promise<readonly GatheredRollout[]> {
  const asked = sources.map((source) => source(question));
  const refused = new Promise<'refused'>((resolve) => {
    for (const answer of asked) void answer.then((view) => isRefused(view, question.revision) && resolve('refused'));
  });
  const first = await Promise.race([Promise.all(asked), refused]);
  return first === 'refused' ? await Promise.all(sources.map((source) => source({ ...question, wait: 0 }))) : first;
}

const order: Readonly<Record<ProxyRollout['state'], number>> = { refused: 0, pending: 1, acked: 2 };

function merge(views: readonly GatheredRollout[]): GatheredRollout {
  // A proxy that moves may be seen twice; what it has not done yet counts.
  const byKey = new Map<string, ProxyRollout>();
  for (const proxy of views.flatMap(({ proxies }) => proxies)) {
    const key = `${proxy.proxy.mesh}/${proxy.proxy.name}`;
    const seen = byKey.get(key);
    if (seen === undefined || order[proxy.state] < order[seen.state]) byKey.set(key, proxy);
  }
  const keys = [...byKey.keys()].sort();
  return {
    processed: Math.min(...views.map(({ processed }) => processed)),
    proxies: keys.flatMap((key) => byKey.get(key) ?? []),
    silent: views.flatMap(({ silent }) => silent),
  };
}
