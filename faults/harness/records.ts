// Writes that are remembered: a counter in a resource, written again and again, so that afterwards it can be told which acknowledged writes are lost.
import { setTimeout as sleep } from 'node:timers/promises';
import type { ControlPlaneHost } from './control-plane.ts';

/** One write, as its writer saw it. */
export interface RecordedWrite {
  readonly at: number;
  readonly took: number;
  /** 0 when there was no answer. */
  readonly status: number;
  readonly text: string;
  readonly retryAfter: boolean;
}

/** A running writer. */
export interface RecordWriter {
  readonly writes: readonly RecordedWrite[];
  /** Ends it after the write under way. */
  stop(): Promise<void>;
  /** Acknowledged writes that the store does not have. Every name's number must be the last acknowledged one, or a later attempt. */
  lost(controlPlane: ControlPlaneHost): Promise<number>;
}

const names = 20;

/** Starts to write, each write after the one before it. */
export function startWriting(controlPlane: ControlPlaneHost, prefix: string, interval = 50): RecordWriter {
  const writes: RecordedWrite[] = [];
  const acknowledged = new Map<string, number>();
  let stopped = false;
  let number = 0;
  const write = async (): Promise<void> => {
    number += 1;
    const name = `${prefix}-${number % names}`;
    const value = number;
    const at = performance.now();
    const spec = {
      targetRef: { kind: 'Dataplane', labels: { app: 'nobody' } },
      to: [{ targetRef: { kind: 'Mesh' }, default: { idleTimeout: `${value}s` } }],
    };
    const body = { type: 'MeshTimeout', mesh: 'default', name, spec };
    try {
      const answer = await controlPlane.request('PUT', `/meshes/default/meshtimeouts/${name}`, body);
      if (answer.status < 300) acknowledged.set(name, value);
      const { status, text, took, retryAfter } = answer;
      writes.push({ at, took, status, text, retryAfter });
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      writes.push({ at, took: performance.now() - at, status: 0, text, retryAfter: false });
    }
  };
  const running = (async () => {
    while (!stopped) {
      await write();
      await sleep(interval);
    }
  })();
  return {
    writes,
    async stop() {
      stopped = true;
      await running;
    },
    async lost(reader) {
      let lost = 0;
      for (const [name, value] of acknowledged) {
        const { json } = await reader.request('GET', `/meshes/default/meshtimeouts/${name}`);
        const { spec } = json as { readonly spec?: { readonly to?: readonly { readonly default: object }[] } };
        const stored = (spec?.to?.[0]?.default as { readonly idleTimeout?: string } | undefined)?.idleTimeout ?? '';
        // The API tells durations in its own words: 61s is 1m1s.
        if (secondsOf(stored) < value) lost += 1;
      }
      return lost;
    },
  };
}

function secondsOf(duration: string): number {
  const units: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1 };
  let sum = 0;
  for (const [, count, unit = 's'] of duration.matchAll(/(\d+)([hms])/g)) sum += Number(count) * (units[unit] ?? 0);
  return sum;
}
