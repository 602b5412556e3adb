// Guards the step to strict mTLS: who would be cut off by a change, over all instances, and how far a mesh is from that step.
import type { Engine, ResourceDrafts } from '@ursa/engine';
import { type DataplaneSpec, MeshError, type MeshSpec, type Resource, readyIdentityStatus } from '@ursa/resources';
import type { InstanceCalls } from '../../instances/calls.ts';
import type { Instances, KnownInstance } from '../../instances/instances.ts';
import { keyInType } from '../../store/live-resources.ts';
import type { PreviewedChange } from '../../store/resource-manager.ts';
import { draftsOf } from '../diff/change-drafts.ts';
import { lossesOf } from './certificate-loss.ts';
import { type Inquiry, type LookOptions, lookAtProxies } from './look-at-proxies.ts';
import type { ProxyReport, SilentInstance } from './proxy-report.ts';

/** How proxies stand to a change, or to strict mTLS at all. */
export interface StrictnessReport {
  readonly proxies: readonly ProxyReport[];
  readonly silent: readonly SilentInstance[];
}

/** What is asked before a mesh insists on mTLS. */
export interface Strictness {
  /** Milliseconds without plain text after which an inbound counts as left by it; 0: nothing is refused. */
  readonly quietPeriod: number;
  /** The proxies with an inbound that lets in plain text now and would not after a change; none for a change that makes nothing stricter. */
  ofChange(changes: readonly Pick<PreviewedChange, 'key' | 'before' | 'after'>[]): Promise<StrictnessReport>;
  /** All connected Dataplanes of a mesh. */
  ofMesh(mesh: string): Promise<StrictnessReport>;
}

/** What it is opened over. */
export interface StrictnessOptions extends LookOptions {
  readonly whatIf: (drafts: ResourceDrafts) => Pick<Engine, 'strictInbounds' | 'identityRequest'>;
  /** Keys of all Dataplanes of a mesh. */
  readonly dataplanes: (mesh: string) => readonly string[];
  /** Whether a mesh has MeshIdentities. */
  readonly hasIdentities: (mesh: string) => boolean;
  /** Types of policies that say whether an inbound insists on mTLS. */
  readonly modeTypes: ReadonlySet<string>;
  readonly instances: Instances;
  readonly calls: InstanceCalls;
}

/** A change as it goes to other instances, or none for a whole mesh. */
interface Question {
  readonly mesh: string;
  readonly changes?: readonly Pick<PreviewedChange, 'key' | 'after'>[];
  /** Keys of the only proxies that can be concerned. */
  readonly only?: readonly string[] | undefined;
}

const call = 'strictness';
// Proxies whose admin listener does not answer are waited for by each instance.
const patience = 15_000;

/** Opens it, and answers the other instances. */
export function openStrictness(options: StrictnessOptions): Strictness {
  const { instances, calls, quietPeriod } = options;
  const own = async ({ mesh, changes, only }: Question): Promise<readonly ProxyReport[]> => {
    if (changes === undefined)
      return await lookAtProxies(mesh, { inboundsOf: (_, open) => open, lossOf: () => undefined }, options);
    const then = options.whatIf(draftsOf(changes.map(presumeReady)));
    const lossOf = lossesOf({ now: options.engine, then, changes, dataplanes: () => options.dataplanes(mesh) });
    const inboundsOf: Inquiry['inboundsOf'] = (key, open) => {
      const strict = then.strictInbounds.get(key);
      return open.filter(({ name }) => strict.includes(name));
    };
    return await lookAtProxies(mesh, { inboundsOf, lossOf, only: only && new Set(only) }, options);
  };
  calls.answer(call, (question) => own(question as Question));
  const askOther = async (other: KnownInstance, question: Question): Promise<StrictnessReport> => {
    try {
      return { proxies: (await calls.ask(other, call, question, patience)) as readonly ProxyReport[], silent: [] };
    } catch (error) {
      const reason = error instanceof MeshError ? error.message : 'its answer makes no sense';
      return { proxies: [], silent: [{ instance: other.id, proxies: other.proxies, reason }] };
    }
  };
  const ask = async (question: Question): Promise<StrictnessReport> => {
    // Also those that said at their last heartbeat that they have no proxies.
    const others = instances.list().filter((each) => each.id !== instances.self && instances.isLiving(each));
    const [mine, ...theirs] = await Promise.all([own(question), ...others.map((other) => askOther(other, question))]);
    const proxies = [...mine, ...theirs.flatMap((answer) => answer.proxies)];
    return {
      proxies: proxies.sort((one, other) => (one.name < other.name ? -1 : 1)),
      silent: theirs.flatMap(({ silent }) => silent),
    };
  };
  return {
    quietPeriod,
    async ofChange(changes) {
      const matter = changes.filter((change) => isAboutModes(change, options));
      const meshes = new Set(matter.map(meshOf));
      const asked = changes.map(({ key, after }) => ({ key, after }));
      const reports = await Promise.all(
        [...meshes].map((mesh) => {
          const ofMesh = matter.filter((change) => meshOf(change) === mesh);
          const isLocal = ofMesh.every(({ key }) => key.type === 'Dataplane');
          return ask({ mesh, changes: asked, only: isLocal ? ofMesh.map(({ key }) => keyInType(key)) : undefined });
        }),
      );
      // Who has no certificate matters to those who are about to ask for one; nowhere else does anything change.
      const stricter = reports.filter(({ proxies }) => proxies.some(({ affected }) => affected));
      return {
        proxies: stricter.flatMap(({ proxies }) => proxies),
        silent: reports.flatMap(({ silent }) => silent),
      };
    },
    ofMesh: (mesh) => ask({ mesh }),
  };
}

function meshOf({ key }: Pick<PreviewedChange, 'key'>): string {
  return key.type === 'Mesh' ? key.name : key.mesh;
}

/** Of most writes it is plain that they make nothing stricter: nothing is derived, nobody asked. */
function isAboutModes(
  { key, before, after }: Pick<PreviewedChange, 'key' | 'before' | 'after'>,
  { modeTypes, hasIdentities }: Pick<StrictnessOptions, 'modeTypes' | 'hasIdentities'>,
): boolean {
  if (modeTypes.has(key.type)) return true;
  if (key.type === 'MeshIdentity') return JSON.stringify(before?.spec) !== JSON.stringify(after?.spec);
  // A new proxy has no clients yet, and one whose Dataplane goes has none any more.
  if (key.type === 'Dataplane' && before !== undefined && after !== undefined)
    return JSON.stringify(selectorsOf(before)) !== JSON.stringify(selectorsOf(after));
  if (key.type !== 'Mesh' || before === undefined || after === undefined) return false;
  // Where nobody has a certificate, nobody can insist on one.
  if ((mtlsOf(after).enabledBackend ?? '') === '' && !hasIdentities(key.name)) return false;
  return JSON.stringify(mtlsOf(before)) !== JSON.stringify(mtlsOf(after));
}

/** What MeshTLS policies and MeshIdentities select a Dataplane by. */
function selectorsOf({ labels, spec }: Pick<Resource, 'labels' | 'spec'>): unknown {
  const { inbound = [], gateway } = (spec as DataplaneSpec).networking ?? {};
  const tags = [...inbound, ...(gateway === undefined ? [] : [gateway])].map((each) => Object.entries(each.tags ?? {}));
  return [Object.entries(labels).sort(), tags.map((entries) => entries.sort())];
}

/** A MeshIdentity comes into use when everybody has heard of it, and it is then that somebody could be cut off. */
function presumeReady<Change extends Pick<PreviewedChange, 'key' | 'after'>>(change: Change): Change {
  if (change.key.type !== 'MeshIdentity' || change.after === undefined) return change;
  return { ...change, after: { ...change.after, status: readyIdentityStatus } };
}

function mtlsOf({ spec }: Pick<Resource, 'spec'>) {
  const { enabledBackend, backends = [] } = (spec as MeshSpec).mtls ?? {};
  return { enabledBackend, modes: backends.map(({ name, mode }) => ({ name, mode })) };
}
