// POST /_diff: what a change would do to resources, proxies and their Envoy's configuration, by the engine seen through an overlay. Writes nothing.
import type { Collection } from '@ursa/collections';
import type { Engine, ResourceDrafts } from '@ursa/engine';
import type { Resource, ResourceKey } from '@ursa/resources';
import { Type } from 'typebox';
import type { User } from '../../identity/access.ts';
import type { AccessControl } from '../../identity/access-control.ts';
import type { InstanceCalls } from '../../instances/calls.ts';
import type { Instances } from '../../instances/instances.ts';
import { formatJson } from '../http/json-text.ts';
import type { Call, Route } from '../http/route.ts';
import type { StrictnessGuard } from '../strictness/strictness-guard.ts';
import { askOthers } from './ask-others.ts';
import { draftsOf } from './change-drafts.ts';
import { changeSchema, formatChange } from './change-view.ts';
import { compareProxies } from './compare-proxies.ts';
import { describeProxies, mergeProxies } from './described-proxies.ts';
import { type PlanOptions, planChange } from './planned-change.ts';

type Previewing = Pick<Engine, 'config' | 'affectedDataplanes' | 'referenceFindings' | 'idleFindings'>;

/** What diffs are worked out with. */
export interface DiffOptions extends PlanOptions {
  readonly access: Pick<AccessControl, 'requireView' | 'requireWrite'>;
  readonly engine: Previewing;
  /** An engine over the same inputs in which drafts have happened. */
  readonly whatIf: (drafts: ResourceDrafts) => Previewing;
  /** Connected proxies by key. */
  readonly proxies: Pick<Collection<unknown>, 'keys'>;
  readonly instances: Instances;
  readonly calls: InstanceCalls;
  readonly revision: () => number;
  readonly format: (resource: Resource) => unknown;
  readonly strictness: StrictnessGuard | undefined;
}

/** The endpoint. */
export function diffRoutes(options: DiffOptions): readonly Route[] {
  const { reader } = options;
  const change = async (call: Pick<Call, 'body' | 'user'>) => {
    const plan = await planChange(call, options);
    requireViews(options.access, call.user, [...plan.changes.map(({ key }) => key), ...plan.unchanged]);
    const then = options.whatIf(draftsOf(plan.changes));
    const compared = await compareProxies(options.proxies, options.engine, then);
    return { plan, then, proxies: describeProxies(compared) };
  };
  const others = askOthers(options, async (call) => (await change(call)).proxies);
  return [
    {
      method: 'POST',
      path: '/_diff',
      tag: 'Inspection',
      summary: 'What a change would do to resources, proxies and their Envoys; nothing is written',
      body: Type.Object({
        resources: Type.Optional(Type.Array(Type.Object({}))),
        deletions: Type.Optional(
          Type.Array(Type.Object({ type: Type.String(), mesh: Type.Optional(Type.String()), name: Type.String() })),
        ),
      }),
      answers: { 200: changeSchema },
      handle: async (call) => {
        const [{ plan, then, proxies: own }, { proxies, silent }] = await Promise.all([change(call), others(call)]);
        const strictness = (await options.strictness?.warningsOf(plan.changes)) ?? [];
        const answer = formatChange({
          revision: options.revision(),
          plan: { ...plan, warnings: [...plan.warnings, ...strictness] },
          proxies: proxies.length === 0 ? own : mergeProxies([own, ...proxies]),
          silent,
          isPolicy: (type) => reader.types.byName(type)?.policy !== undefined,
          dataplanesOf: ({ key, after }) => {
            if (reader.types.byName(key.type)?.policy === undefined) return undefined;
            const engine = after === undefined ? options.engine : then;
            return engine.affectedDataplanes.get(key.type, key.mesh, key.name).length;
          },
          findingsOf: ({ key, after }) => (after === undefined ? [] : then.referenceFindings(key)),
          idleFindingsOf: ({ key, after }) => (after === undefined ? [] : then.idleFindings(key)),
          format: (resource) => options.format(reader.shown(resource, call.user)),
        });
        return { status: 200, body: formatJson(answer) };
      },
    },
  ];
}

/** Errors: 403 unless the configurations of all proxies that the change may concern can be seen. */
function requireViews(access: Pick<AccessControl, 'requireView'>, user: User, keys: readonly ResourceKey[]): void {
  const type = { name: 'Dataplane', scope: 'Mesh' } as const;
  const meshes = keys.map((key) => (key.type === 'Mesh' ? key.name : key.mesh));
  // Without a change nothing is shown; who may see nothing at all is told so nevertheless.
  for (const mesh of new Set(meshes.length === 0 ? [''] : meshes))
    access.requireView(user, { access: 'VIEW_CONFIG_DUMP', type, mesh, name: undefined });
}
