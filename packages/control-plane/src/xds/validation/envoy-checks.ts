// Lets Envoy judge policies that rewrite its configuration before they are stored: what it would refuse is refused here, in its own words and
// with the modification at fault.
import { MeshError, type ResourceDraft } from '@ursa/resources';
import { withCheck } from '../../store/checked-manager.ts';
import type { ResourceManager } from '../../store/resource-manager.ts';
import { type DraftOptions, draftRenderer, type RenderDraft } from './draft-configs.ts';
import type { EnvoyJudge } from './envoy-judge.ts';
import { staticBootstrap } from './static-bootstrap.ts';

/** A manager that asks the judge first, for types of policies that rewrite finished resources. */
export function withEnvoyChecks(manager: ResourceManager, judge: EnvoyJudge, options: DraftOptions): ResourceManager {
  const rewriting = options.policies.filter(({ hooks }) => hooks.finish !== undefined || hooks.additions !== undefined);
  const judged = new Set(rewriting.map(({ name }) => name));
  return withCheck(manager, async (drafts) => {
    for (const draft of drafts) if (judged.has(draft.type)) await requireAccepted(draft, judge, options);
  });
}

/** The part of a spec that is looked at: a list whose items apply one after the other. */
interface Patch {
  readonly default?: { readonly appendModifications?: readonly Readonly<Record<string, unknown>>[] };
}

async function requireAccepted(draft: ResourceDraft, judge: EnvoyJudge, options: DraftOptions): Promise<void> {
  const render = draftRenderer(options, draft);
  const refusal = (spec: unknown) => firstRefusal(render, spec, judge);
  const spec = draft.spec as Patch;
  const words = await refusal(spec);
  // Who is refused already is not made worse by this policy.
  if (words === undefined || (await refusal(undefined)) === words) return;
  const modifications = spec.default?.appendModifications ?? [];
  const index = await firstAtFault(modifications.length, (count) =>
    refusal({ ...spec, default: { ...spec.default, appendModifications: modifications.slice(0, count) } }),
  );
  const field = `spec.default.appendModifications[${index}]${placeIn(modifications[index] ?? {})}`;
  const message = `Envoy refuses the configuration that proxies would get: ${words}`;
  throw new MeshError('invalid', `${field}: ${message}`, { violations: [{ field, message }] });
}

async function firstRefusal(render: RenderDraft, spec: unknown, judge: EnvoyJudge): Promise<string | undefined> {
  for (const config of render(spec)) {
    const words = await judge(staticBootstrap(config));
    if (words !== undefined) return words;
  }
  return undefined;
}

/** Position of the modification with which the refusal starts, by halving. */
async function firstAtFault(count: number, refusalOf: (count: number) => Promise<string | undefined>): Promise<number> {
  let good = 0;
  let bad = count;
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if ((await refusalOf(middle)) === undefined) good = middle;
    else bad = middle;
  }
  return Math.max(bad - 1, 0);
}

function placeIn(modification: Readonly<Record<string, unknown>>): string {
  const [kind] = Object.keys(modification);
  if (kind === undefined) return '';
  const change = modification[kind] as { readonly value?: unknown; readonly jsonPatches?: unknown };
  if (change.value !== undefined) return `.${kind}.value`;
  return change.jsonPatches === undefined ? `.${kind}` : `.${kind}.jsonPatches`;
}
