// The one way into the store for REST, proxies that register themselves and generators: labels, rules, what a mesh brings with it, then the write.
import {
  computeLabels,
  formatResourceKey,
  immutableLabelViolations,
  keepProbeAnswers,
  type LabelContext,
  MeshError,
  type MeshSpec,
  type Resource,
  type ResourceDraft,
  type ResourceKey,
  type ResourceType,
  type ResourceTypes,
  tagWithZone,
} from '@ursa/resources';
import { checkMembership } from './membership.ts';
import { checkAuthorityChange, checkSecretUnused, deleteMesh, requireMesh } from './mesh-rules.ts';
import { isStoredAs, planWrites } from './plan-writes.ts';
import type { Store, StoreChange, StoreContent, StoreWrite } from './store.ts';
import { checkWorkloadLabel } from './workload-label.ts';

/** A mesh about to be written, and the one it replaces. */
export interface MeshWrite {
  readonly mesh: ResourceDraft;
  readonly before: Resource | undefined;
  readonly content: StoreContent;
}

/** Something that a mesh brings with it in the same transaction, such as its first policies. Pure. */
export type MeshCompanion = (write: MeshWrite) => readonly ResourceDraft[];

/** Says no by throwing. Asked with what is stored at the moment of the write; `after` undefined: it is to go. Pure. */
export type WritePermit = (before: Resource | undefined, after: ResourceDraft | undefined) => void;

/** How a resource manager is set up. */
export interface ResourceManagerOptions {
  readonly store: Pick<Store, 'write'>;
  readonly types: ResourceTypes;
  readonly labels: LabelContext;
  /** Deleting a mesh takes its Dataplanes with it (`KUMA_STORE_UNSAFE_DELETE`). */
  readonly unsafeDelete: boolean;
  readonly companions?: readonly MeshCompanion[];
}

/** What a put did. */
export interface PutResult {
  readonly resource: Resource;
  /** The store's revision from which on the resource is as written. */
  readonly revision: number;
  readonly created: boolean;
  /** What the writer should know though the write was accepted. */
  readonly warnings: readonly string[];
}

/** What a write would change, before it is written. */
export type PreviewedChange = Pick<StoreChange, 'key' | 'before' | 'after'>;

/** Writes resources under the rules that hold between them. */
export interface ResourceManager {
  /** The draft with the labels it would be stored with. */
  withLabels(draft: ResourceDraft): ResourceDraft;
  /** Whether a put of the draft over this resource would change nothing. Asks no store. */
  isStoredAs(draft: ResourceDraft, stored: Resource): boolean;
  /**
   * Creates or replaces a resource. The draft comes from `parseResource` or from our own code; without a `status` the stored one stays.
   * `expectedVersion` is the one the writer has seen; 0 = must not exist; undefined = whatever is there.
   * Errors: `not-found` (its mesh), `invalid` (a rule between resources), `precondition-failed`, `unavailable`, those of the permit.
   */
  put(draft: ResourceDraft, expectedVersion?: number, permit?: WritePermit): Promise<PutResult>;
  /** The same for several at once: all are written or none. Results in the order of the drafts. */
  putAll(drafts: readonly ResourceDraft[], permit?: WritePermit): Promise<readonly PutResult[]>;
  /** Throws what `put` would throw, and writes nothing. */
  check(draft: ResourceDraft): Promise<void>;
  /**
   * What puts and then deletions would change together, with all that they bring or take with them; nothing is written. What would
   * stay as it is, is left out. Errors: those of the writes.
   */
  preview(drafts: readonly ResourceDraft[], deletions: readonly ResourceKey[]): Promise<readonly PreviewedChange[]>;
  /** Deletes a resource; a mesh with everything in it. Errors: `not-found`, `invalid` (in use), `precondition-failed`, `unavailable`. */
  delete(key: ResourceKey, expectedVersion?: number, permit?: WritePermit): Promise<{ readonly revision: number }>;
}

/** The resource manager over a store. */
export function openResourceManager(options: ResourceManagerOptions): ResourceManager {
  const { store, types, labels, unsafeDelete, companions = [] } = options;

  function typeOf(name: string): ResourceType {
    const type = types.byName(name);
    if (type === undefined) throw new MeshError('invalid', `there is no resource type ${JSON.stringify(name)}`);
    return type;
  }

  function complete(draft: ResourceDraft, before: Resource | undefined): ResourceDraft {
    const observed = draft.type === 'Dataplane' ? keepProbeAnswers(draft, before) : draft;
    const tagged = draft.type === 'Dataplane' ? tagWithZone(observed, labels.zone) : draft;
    const status = tagged.status ?? before?.status;
    const completed = { ...tagged, labels: computeLabels(typeOf(draft.type), tagged, labels) };
    return status === undefined ? completed : { ...completed, status };
  }

  /** What the put of one draft writes, on top of what earlier drafts of the same call wrote. */
  function decidePut(
    content: StoreContent,
    draft: ResourceDraft,
  ): { write: ResourceDraft; before: Resource | undefined } {
    const before = content.get(draft);
    if (typeOf(draft.type).scope === 'Mesh') {
      const mesh = requireMesh(content, draft.mesh);
      if (draft.type === 'Dataplane' && before === undefined) checkMembership(mesh.spec as MeshSpec, draft);
    }
    if (draft.type === 'Dataplane') checkWorkloadLabel(draft, before, labels);
    if (draft.type === 'Mesh') checkAuthorityChange(before, draft);
    const write = complete(draft, before);
    if (before !== undefined) {
      const violations = immutableLabelViolations(before.labels, write.labels);
      const [first] = violations;
      if (first !== undefined) throw new MeshError('invalid', `${first.field}: ${first.message}`, { violations });
    }
    return { write, before };
  }

  /** What the puts of a call write, with what meshes bring. Told of each draft whose resource is new. */
  function decidePuts(
    content: StoreContent,
    drafts: readonly ResourceDraft[],
    onCreate: (draft: ResourceDraft) => void,
    { expectedVersion, permit }: PutOptions = {},
  ): readonly StoreWrite[] {
    const puts: StoreWrite[] = [];
    const brought: StoreWrite[] = [];
    const seen = withWritten(content);
    for (const draft of drafts) {
      const { write, before } = decidePut(seen.content, draft);
      permit?.(before, draft);
      if (before === undefined) onCreate(draft);
      puts.push({ kind: 'put', resource: write, expectedVersion });
      seen.add(write);
      if (draft.type !== 'Mesh') continue;
      for (const companion of companions) {
        for (const extra of companion({ mesh: write, before, content })) {
          brought.push({ kind: 'put', resource: complete(extra, content.get(extra)) });
        }
      }
    }
    return [...puts, ...brought];
  }

  function decideDelete(content: StoreContent, key: ResourceKey, expectedVersion?: number): readonly StoreWrite[] {
    if (key.type === 'Mesh') return deleteMesh(content, key.name, unsafeDelete, expectedVersion);
    if (key.type === 'Secret') checkSecretUnused(content, key.mesh, key.name);
    return [{ kind: 'delete', key, expectedVersion }];
  }

  async function putAll(drafts: readonly ResourceDraft[], options: PutOptions): Promise<readonly PutResult[]> {
    const created = new Set<ResourceDraft>();
    const result = await store.write((content) => {
      created.clear();
      return decidePuts(content, drafts, (draft) => created.add(draft), options);
    });
    return drafts.map((draft, position) => {
      const resource = result.resources[position];
      if (resource === undefined) throw new MeshError('internal', `the store returned nothing for ${draft.type}`);
      const warnings = typeOf(draft.type).warn?.(draft.spec as never, draft) ?? [];
      return { resource, revision: result.revision, created: created.has(draft), warnings };
    });
  }

  return {
    withLabels: (draft) => ({ ...draft, labels: computeLabels(typeOf(draft.type), draft, labels) }),
    isStoredAs: (draft, stored) => isStoredAs(stored, complete(draft, stored)),
    putAll: (drafts, permit) => putAll(drafts, { permit }),
    async put(draft, expectedVersion, permit) {
      const [result] = await putAll([draft], { expectedVersion, permit });
      if (result === undefined) throw new MeshError('internal', 'a put returned no result');
      return result;
    },
    async check(draft) {
      await store.write((content) => {
        decidePut(content, draft);
        return [];
      });
    },
    async preview(drafts, deletions) {
      let changes: readonly PreviewedChange[] = [];
      await store.write((content) => {
        const writes = [
          ...decidePuts(content, drafts, () => undefined),
          ...deletions.flatMap((key) => decideDelete(content, key)),
        ];
        const keys = writes.map((write) => (write.kind === 'put' ? write.resource : write.key));
        const stored = new Map(keys.map((key) => [formatResourceKey(key), content.get(key)]));
        changes = planWrites({ get: (key) => stored.get(key) }, writes, 0, '').changes;
        return [];
      });
      return changes;
    },
    async delete(key, expectedVersion, permit) {
      const { revision } = await store.write((content) => {
        permit?.(content.get(key), undefined);
        return decideDelete(content, key, expectedVersion);
      });
      return { revision };
    },
  };
}

/** What a put may depend on. */
interface PutOptions {
  readonly expectedVersion?: number | undefined;
  readonly permit?: WritePermit | undefined;
}

/** The content as it will be after some of a call's own writes, so that a mesh and its resources can be written in one call. */
function withWritten(content: StoreContent): { readonly content: StoreContent; add(draft: ResourceDraft): void } {
  const written = new Map<string, Resource>();
  return {
    content: { get: (key) => written.get(formatResourceKey(key)) ?? content.get(key), all: () => content.all() },
    add(draft) {
      written.set(formatResourceKey(draft), { ...draft, version: 0, creationTime: '', modificationTime: '' });
    },
  };
}
