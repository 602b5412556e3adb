// The proxies of a control plane are spread over its instances, and each compares its own. Who does not answer in time is named.
import { MeshError } from '@ursa/resources';
import type { InstanceCalls } from '../../instances/calls.ts';
import type { Instances, KnownInstance } from '../../instances/instances.ts';
import type { Call } from '../http/route.ts';
import type { SilentInstance } from './change-view.ts';
import type { DescribedProxies } from './described-proxies.ts';

type Question = Pick<Call, 'body' | 'user'>;

/** What other instances say. */
export interface OtherProxies {
  readonly proxies: readonly DescribedProxies[];
  readonly silent: readonly SilentInstance[];
}

const name = 'diff';
// A change that touches every proxy of a large mesh takes seconds.
const patience = 20_000;

/** Answers the others with `own`, and gives a function that asks them the same. The caller has proven to us who he is, and they believe us. */
export function askOthers(
  { instances, calls }: { readonly instances: Instances; readonly calls: InstanceCalls },
  own: (question: Question) => Promise<DescribedProxies>,
): (question: Question) => Promise<OtherProxies> {
  calls.answer(name, (question) => own(question as Question));
  return async ({ body, user }) => {
    const withProxies = instances
      .list()
      .filter((each) => each.id !== instances.self && each.proxies > 0 && instances.isLiving(each));
    const ask = async (other: KnownInstance): Promise<DescribedProxies | SilentInstance> => {
      try {
        return (await calls.ask(other, name, { body, user }, patience)) as DescribedProxies;
      } catch (error) {
        const reason = error instanceof MeshError ? error.message : 'its answer makes no sense';
        return { instance: other.id, proxies: other.proxies, reason };
      }
    };
    const answers = await Promise.all(withProxies.map(ask));
    return {
      proxies: answers.filter((answer) => 'compared' in answer),
      silent: answers.filter((answer) => 'reason' in answer),
    };
  };
}
