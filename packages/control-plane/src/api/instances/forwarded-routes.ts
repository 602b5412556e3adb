// Questions that only the instance with the proxy's connection can answer are passed on to it, and its answer is given as if it were our own.
import type { ProxyId } from '@ursa/engine';
import { MeshError } from '@ursa/resources';
import type { InstanceCalls } from '../../instances/calls.ts';
import type { Instances, KnownInstance } from '../../instances/instances.ts';
import { Failure, toFailure } from '../http/failure.ts';
import type { Answer, Call, Route } from '../http/route.ts';

/** What decides where a question goes. */
export interface Forwarding {
  readonly instances: Instances;
  readonly calls: InstanceCalls;
  /** Id of the instance that has a proxy's connection; undefined when nobody has it, or this one. */
  readonly holderOf: (proxy: ProxyId) => string | undefined;
}

/** A question as it goes to another instance: the caller has proven to us who he is, and we are believed. */
interface PassedCall {
  readonly route: string;
  readonly call: Omit<Call, 'query' | 'header'> & { readonly query: string };
}

type PassedAnswer =
  | { readonly answer: Omit<Answer, 'body'> & { readonly body: string } }
  | { readonly failure: { readonly status: number; readonly title: string; readonly detail: string } };

const name = 'api';
// An Envoy is asked for ten seconds at most.
const patience = 12_000;

/** The routes, each passed on when the proxy it is about is connected elsewhere. */
export function forwardedRoutes(
  routes: readonly Route[],
  { instances, calls, holderOf }: Forwarding,
): readonly Route[] {
  const byId = new Map(routes.map((route) => [`${route.method} ${route.path}`, route]));
  calls.answer(name, async (question) => {
    const { route, call } = question as PassedCall;
    const handle = byId.get(route)?.handle;
    if (handle === undefined) throw new MeshError('unsupported', `this instance has no route ${route}`);
    return await answerPassed(handle, { ...call, query: new URLSearchParams(call.query), header: () => undefined });
  });
  const instanceWith = ({ path }: Route, { params }: Call): KnownInstance | undefined => {
    const { mesh = '', name = '' } = params;
    const holder = holderOf({ proxyType: proxyTypeOf(path), mesh, name });
    return holder === undefined || holder === instances.self
      ? undefined
      : instances.list().find((each) => each.id === holder && instances.isLiving(each));
  };
  return routes.map((route) => ({
    ...route,
    handle: async (call) => {
      const other = instanceWith(route, call);
      if (other === undefined) return await route.handle(call);
      // Here, where the caller is known and the audit has the request; the other instance asks again.
      route.authorize?.(call);
      const { method, url, params, query, user, origin, body } = call;
      const passed: PassedCall = {
        route: `${route.method} ${route.path}`,
        call: { method, url, params, query: query.toString(), user, origin, body },
      };
      const answer = (await calls.ask(other, name, passed, patience)) as PassedAnswer;
      if ('answer' in answer) return answer.answer;
      throw new Failure(answer.failure.status, answer.failure.title, answer.failure.detail);
    },
  }));
}

/** A zone's proxies have paths of their own: an egress and an ingress may have one name. */
function proxyTypeOf(path: string): ProxyId['proxyType'] {
  if (path.startsWith('/zoneingresses/')) return 'ingress';
  return path.startsWith('/zoneegresses/') ? 'egress' : 'dataplane';
}

async function answerPassed(handle: Route['handle'], call: Call): Promise<PassedAnswer> {
  try {
    const answer = await handle(call);
    return { answer: { ...answer, body: answer.body.toString() } };
  } catch (error) {
    const { status, title, message } = toFailure(error);
    if (status === 500) throw error;
    return { failure: { status, title, detail: message } };
  }
}
