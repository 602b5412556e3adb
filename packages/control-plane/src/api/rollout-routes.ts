// GET /_rollout and /meshes/{mesh}/_rollout: which connected proxies have what a revision changed, which do not yet, and which refuse it.
import { parseDuration } from '@ursa/resources';
import { Type } from 'typebox';
import type { ProxyRollout, ProxyState } from '../xds/rollout.ts';
import { isDone, type RolloutQuestion } from './follow-rollout.ts';
import { badRequest } from './http/failure.ts';
import { formatJson } from './http/json-text.ts';
import { nextPage, parsePage, slicePage } from './http/page.ts';
import type { Answer, Call, QueryParameter, Route } from './http/route.ts';
import type { GatheredRollout } from './instances/gathered-rollout.ts';
import { nameParameters } from './openapi/parameters.ts';
import type { ResourceReader } from './resources/reader.ts';

const states: readonly ProxyState[] = ['acked', 'pending', 'refused'];
// Longer than this, a proxy in between might take the connection for dead.
const longestWait = 60_000;

const query: readonly QueryParameter[] = [
  {
    name: 'revision',
    description: 'Revision of a write, from its header `Kuma-Revision`; the newest when absent.',
    schema: Type.Integer({ minimum: 0 }),
  },
  {
    name: 'wait',
    description: 'How long to wait for the end of the roll-out, or the first refusal: `30s`, at most `1m`.',
    schema: Type.String(),
  },
  {
    name: 'state',
    description: 'Which proxies to list, separated by commas: `acked`, `pending`, `refused`; without it the last two.',
    schema: Type.String(),
  },
  ...nameParameters('size', 'offset'),
];

const proxySchema = Type.Object({
  mesh: Type.String(),
  name: Type.String(),
  state: Type.Enum([...states]),
  since: Type.Optional(Type.String()),
  waitsFor: Type.Optional(Type.Literal('certificate')),
  refusals: Type.Optional(
    Type.Array(
      Type.Object({
        type: Type.String(),
        resource: Type.String(),
        revision: Type.Integer(),
        message: Type.String(),
        since: Type.String(),
      }),
    ),
  ),
  heldBack: Type.Optional(
    Type.Array(
      Type.Object({
        type: Type.String(),
        mesh: Type.String(),
        name: Type.String(),
        message: Type.String(),
        since: Type.String(),
      }),
    ),
  ),
});
const rolloutSchema = Type.Object(
  {
    revision: Type.Integer(),
    processed: Type.Integer(),
    done: Type.Boolean(),
    counts: Type.Object({
      acked: Type.Integer(),
      pending: Type.Integer(),
      refused: Type.Integer(),
      total: Type.Integer(),
    }),
    silentInstances: Type.Optional(Type.Array(Type.Object({ instance: Type.String(), reason: Type.String() }))),
    total: Type.Integer(),
    items: Type.Array(proxySchema),
    next: Type.Union([Type.String(), Type.Null()]),
  },
  { title: 'Rollout' },
);

/** Both endpoints. `revision` is the store's newest. */
export function rolloutRoutes(
  reader: ResourceReader,
  follow: (question: RolloutQuestion) => Promise<GatheredRollout>,
  revision: () => number,
  /** Whether others write too: a revision may be on its way here then. */
  hasOthers: () => boolean,
): readonly Route[] {
  const answer = async (call: Call, mesh: string | undefined): Promise<Answer> => {
    const asked = parseQuestion(call.query, revision(), hasOthers() ? mostAhead : 0);
    const view = await follow({ revision: asked.revision, wait: asked.wait, mesh });
    return { status: 200, body: formatJson(formatView(view, asked, call)) };
  };
  const route = { method: 'GET', tag: 'Inspection', query, answers: { 200: rolloutSchema } } as const;
  return [
    {
      ...route,
      path: '/_rollout',
      summary: 'How far the connected proxies of all meshes have come with a change',
      handle: (call) => answer(call, undefined),
    },
    {
      ...route,
      path: '/meshes/{mesh}/_rollout',
      summary: 'How far the connected proxies of a mesh have come with a change',
      handle: (call) => {
        const { mesh = '' } = call.params;
        reader.requireMesh(mesh);
        return answer(call, mesh);
      },
    },
  ];
}

// Another instance may have answered a write that is on its way here.
const mostAhead = 10_000;

interface Question {
  readonly revision: number;
  /** Milliseconds. */
  readonly wait: number;
  readonly states: ReadonlySet<string>;
}

/** Errors: 400 that names the parameter. */
function parseQuestion(parameters: URLSearchParams, newest: number, ahead: number): Question {
  const revision = parameters.get('revision') ?? String(newest);
  if (!/^\d{1,15}$/.test(revision))
    throw badRequest('revision: must be a whole number, as in the header Kuma-Revision');
  if (Number(revision) > newest + ahead)
    throw badRequest(`revision: there is no revision ${revision}; the newest is ${newest}`);
  const text = parameters.get('wait') ?? '';
  const wait = text === '' ? 0 : parseDuration(text);
  if (wait === undefined || wait < 0 || wait > longestWait)
    throw badRequest('wait: must be a duration of at most 1m, such as 30s');
  const listed = (parameters.get('state') ?? 'pending,refused').split(',').filter((word) => word !== '');
  const unknown = listed.find((word) => !states.some((state) => state === word));
  if (unknown !== undefined) throw badRequest(`state: expected ${states.join(', ')}, separated by commas`);
  return { revision: Number(revision), wait, states: new Set(listed) };
}

function formatView(view: GatheredRollout, asked: Question, call: Call): unknown {
  const page = parsePage(call.query, 'Could not read the roll-out');
  const listed = view.proxies.filter(({ state }) => asked.states.has(state));
  const countOf = (wanted: ProxyState) => view.proxies.filter(({ state }) => state === wanted).length;
  return {
    revision: asked.revision,
    processed: view.processed,
    done: isDone(view, asked.revision) && view.silent.length === 0,
    counts: {
      acked: countOf('acked'),
      pending: countOf('pending'),
      refused: countOf('refused'),
      total: view.proxies.length,
    },
    ...(view.silent.length === 0 ? {} : { silentInstances: view.silent }),
    total: listed.length,
    items: slicePage(listed, page).map(formatProxy),
    next: nextPage(call, page, listed.length),
  };
}

const timeText = (milliseconds: number): string => new Date(milliseconds).toISOString();

function formatProxy({ proxy, state, since, waitsFor, refusals, heldBack }: ProxyRollout): unknown {
  return {
    mesh: proxy.mesh,
    name: proxy.name,
    state,
    ...(since === undefined ? {} : { since: timeText(since) }),
    ...(waitsFor === undefined ? {} : { waitsFor }),
    ...(refusals === undefined
      ? {}
      : { refusals: refusals.map((refusal) => ({ ...refusal, since: timeText(refusal.since) })) }),
    ...(heldBack === undefined ? {} : { heldBack }),
  };
}
