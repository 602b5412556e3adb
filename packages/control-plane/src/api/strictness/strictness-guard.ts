// Refuses a write that would cut off clients by strict mTLS, and names them; `force=true` goes on.
import type { ResourceDraft, ResourceKey } from '@ursa/resources';
import type { PreviewedChange, ResourceManager } from '../../store/resource-manager.ts';
import { Failure } from '../http/failure.ts';
import type { Call } from '../http/route.ts';
import { type ProxyReport, wouldBreak } from './proxy-report.ts';
import type { Strictness, StrictnessReport } from './strictness.ts';

/** Stands before writes. */
export interface StrictnessGuard {
  /** What the writer should know though the write is let through. Errors: 409 with every proxy that would cut somebody off. */
  check(
    call: Pick<Call, 'query'>,
    drafts: readonly ResourceDraft[],
    deletions: readonly ResourceKey[],
  ): Promise<readonly string[]>;
  /** What `check` would say of a change, as warnings. */
  warningsOf(changes: readonly PreviewedChange[]): Promise<readonly string[]>;
}

// Of a mesh of thousands the first ones say enough; the count is whole.
const namedProxies = 100;
const decidingTypes: ReadonlySet<string> = new Set(['Mesh', 'MeshIdentity']);

/** The guard; `modeTypes` are the policies that matter beside Meshes, MeshIdentities, and the labels of Dataplanes. */
export function guardStrictness(
  strictness: Strictness,
  manager: Pick<ResourceManager, 'preview'>,
  modeTypes: ReadonlySet<string>,
): StrictnessGuard {
  const isOff = strictness.quietPeriod === 0;
  return {
    async check({ query }, drafts, deletions) {
      const matters =
        [...drafts, ...deletions].some(({ type }) => decidingTypes.has(type) || modeTypes.has(type)) ||
        drafts.some(({ type }) => type === 'Dataplane');
      if (isOff || !matters || query.get('force') === 'true') return [];
      const report = await strictness.ofChange(await manager.preview(drafts, deletions));
      const broken = report.proxies.filter(wouldBreak);
      if (broken.length === 0) return unknownOf(report);
      throw new Failure(409, 'Strict mTLS would cut off clients', refusalOf(broken), {
        violations: broken.slice(0, namedProxies).map(({ name, state, reason }) => ({
          field: `dataplanes/${name}`,
          message: `${state}: ${reason}`,
        })),
      });
    },
    async warningsOf(changes) {
      if (isOff) return [];
      const report = await strictness.ofChange(changes);
      const broken = report.proxies.filter(wouldBreak);
      const refusal = broken.length === 0 ? [] : [`the write would be refused: ${refusalOf(broken)}`];
      const named = broken
        .slice(0, namedProxies)
        .map(({ name, state, reason }) => `Dataplane ${name}: ${state}: ${reason}`);
      return [...refusal, ...named, ...unknownOf(report)];
    },
  };
}

function refusalOf(broken: readonly ProxyReport[]): string {
  const [first] = broken;
  const proxies = broken.length === 1 ? '1 proxy is' : `${broken.length} proxies are`;
  return `${proxies} not ready for mTLS only: see kumactl mtls plan --mesh ${first?.mesh}, or repeat the write with --force (force=true)`;
}

function unknownOf({ proxies, silent }: StrictnessReport): readonly string[] {
  const unasked = proxies
    .filter(({ state }) => state === 'unknown')
    .map(({ name, reason }) => `whether plaintext clients call Dataplane ${name} is not known: ${reason}`);
  const instances = silent.map(
    ({ instance, proxies: count, reason }) =>
      `whether plaintext clients call the ${count} proxies of the instance ${instance} is not known: ${reason}`,
  );
  return [...unasked.slice(0, namedProxies), ...instances];
}
