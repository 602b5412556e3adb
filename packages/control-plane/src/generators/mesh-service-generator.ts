// The component that keeps MeshServices as the Dataplanes call for: see the plan for what it writes.
import type { AddressRange } from '@ursa/resources';
import type { Component } from '../component.ts';
import type { Clock } from '../identity/clock.ts';
import type { LiveResources } from '../store/live-resources.ts';
import type { Store } from '../store/store.ts';
import { generator } from './generator.ts';
import type { MeshServiceLabels } from './mesh-service-labels.ts';
import { deriveMeshServicePlan } from './mesh-service-plan.ts';
import type { MeshServicePorts } from './mesh-service-ports.ts';
import type { ServiceNames } from './service-names.ts';

export interface MeshServiceGeneratorInputs {
  /** Paced, see `openPacedResources`. */
  readonly live: LiveResources;
  readonly ports: MeshServicePorts;
  readonly names: ServiceNames;
  readonly labels: MeshServiceLabels;
  readonly store: Store;
  readonly clock: Clock;
  readonly zone: string;
  /** Addresses of MeshServices (`KUMA_IPAM_MESH_SERVICE_CIDR`). */
  readonly range: AddressRange;
  /** Milliseconds (`KUMA_MESH_SERVICE_DELETION_GRACE_PERIOD`). */
  readonly gracePeriod: number;
  readonly onFailure: (error: unknown) => void;
  readonly onWritten?: (milliseconds: number) => void;
  /** Told of labels that are no longer copied, as `<mesh>/<service> <label>`. */
  readonly onDropped?: ((labels: readonly string[]) => void) | undefined;
}

/** The component; when started, all MeshServices that Dataplanes call for are there. */
export function meshServiceGenerator(inputs: MeshServiceGeneratorInputs): Component {
  const { live, ports, names, labels, store, clock, zone, range, gracePeriod, onFailure, onWritten } = inputs;
  const { graph } = live;
  // Time goes on in the graph only when a grace period ends.
  const time = graph.source<number>('mesh-service-generator/time');
  const now = graph.derive('mesh-service-generator/now', () => time.get('now') ?? 0);
  const { plan, nextGraceEnd } = deriveMeshServicePlan({ live, ports, names, labels, zone, range, now, gracePeriod });
  const writer = generator({ name: 'mesh-service-generator', graph, store, clock, plan, onFailure, onWritten });
  const dropped = graph.derive('dropped-labels', () =>
    (labels.enabled ? ports.wanted.get() : []).flatMap((key) =>
      labels.dropped.get(key).map((label) => `${key} ${label}`),
    ),
  );
  let droppedWatch: { stop(): void } | undefined;
  let graceWatch: { stop(): void } | undefined;
  let timer: { stop(): void } | undefined;
  return {
    name: writer.name,
    async start() {
      time.set('now', clock.now());
      const wakeAt = (end: number | undefined): void => {
        timer?.stop();
        // A timer may be a moment early by the clock; the end has come all the same.
        timer = end === undefined ? undefined : clock.at(end, () => time.set('now', Math.max(end, clock.now())));
      };
      const watch = graph.watch(nextGraceEnd, [], wakeAt);
      graceWatch = watch;
      wakeAt(watch.value);
      let known: ReadonlySet<string> = new Set();
      const tell = (): void => {
        const now = droppedLabels.value;
        const more = now.filter((label) => !known.has(label));
        known = new Set(now);
        if (more.length > 0) inputs.onDropped?.(more);
      };
      const droppedLabels = graph.watch(dropped, [], tell);
      droppedWatch = droppedLabels;
      tell();
      await writer.start();
    },
    async stop() {
      graceWatch?.stop();
      droppedWatch?.stop();
      timer?.stop();
      await writer.stop();
    },
  };
}
