// Writes what probes have found into the Dataplanes, where others read it, and since when and why into their insights: together, and few times.
import {
  type DataplaneSpec,
  formatResourceKey,
  inboundAddress,
  inboundKey,
  inboundsOf,
  isProbed,
  type ResourceKey,
  withProbeAnswers,
} from '@ursa/resources';
import type { Component } from '../component.ts';
import type { Store, StoreContent, StoreWrite } from '../store/store.ts';
import { type InboundHealth, insightKeyOf, type ProxyInsight } from './insight.ts';
import { openRetried } from './retried.ts';

/** What a probe has found. */
export interface FoundHealth {
  readonly healthy: boolean;
  /** Why it is not, for people. */
  readonly reason?: string;
}

/** What it is written with. */
export interface InboundHealthOptions {
  readonly store: Store;
  readonly now?: () => Date;
  /** Milliseconds that findings wait for others, to be written together. */
  readonly gather?: number;
  readonly onError: (error: unknown) => void;
}

/** Writes health. Starts before the server that hears of it, and stops after it. */
export interface InboundHealthWriter extends Component {
  /** The newest findings of a Dataplane's probes, by `inboundKey`; earlier ones that wait are dropped. */
  report(proxy: ResourceKey, found: ReadonlyMap<string, FoundHealth>): void;
}

const writesAtOnce = 200;

/** Opens the writer. What waits is bounded by the number of proxies. */
export function openInboundHealth({ store, now, gather = 20, onError }: InboundHealthOptions): InboundHealthWriter {
  const waiting = new Map<string, Reported>();
  let timer: NodeJS.Timeout | undefined;

  const writing = openRetried(async () => {
    for (;;) {
      const batch = [...waiting].slice(0, writesAtOnce);
      if (batch.length === 0) return;
      const time = (now?.() ?? new Date()).toISOString();
      await store.write((content) => batch.flatMap(([, reported]) => writesFor(content, reported, time)));
      // What was reported meanwhile stays.
      for (const [id, reported] of batch) if (waiting.get(id) === reported) waiting.delete(id);
    }
  }, onError);
  const begin = (): void => {
    clearTimeout(timer);
    timer = undefined;
    writing.wake();
  };

  return {
    name: 'inbound-health',
    async start() {},
    report(proxy, found) {
      waiting.set(formatResourceKey(proxy), { proxy, found });
      timer ??= setTimeout(begin, gather).unref();
    },
    async stop() {
      if (waiting.size > 0) begin();
      await writing.stop();
    },
  };
}

interface Reported {
  readonly proxy: ResourceKey;
  readonly found: ReadonlyMap<string, FoundHealth>;
}

/** Decided on what is stored at the moment of the write: somebody may have changed the Dataplane, or withheld it. */
function writesFor(content: StoreContent, { proxy, found }: Reported, time: string): readonly StoreWrite[] {
  const stored = content.get(proxy);
  if (stored === undefined) return [];
  const { type, mesh, name, labels, spec, status } = withProbeAnswers(stored, (key) => found.get(key)?.healthy);
  if (spec === stored.spec) return [];
  const key = insightKeyOf(proxy);
  const insight = content.get(key);
  const before = insight?.spec as ProxyInsight | undefined;
  const inbounds = healthOf(spec as DataplaneSpec, before?.inbounds ?? [], found, time);
  const put = (resource: Extract<StoreWrite, { kind: 'put' }>['resource']): StoreWrite => ({ kind: 'put', resource });
  return [
    put({ type, mesh, name, labels, spec, ...(status === undefined ? {} : { status }) }),
    put({ ...key, labels: insight?.labels ?? {}, spec: { subscriptions: [], ...before, inbounds } }),
  ];
}

/** Since when the probed inbounds are what they are. */
function healthOf(
  spec: DataplaneSpec,
  before: readonly InboundHealth[],
  found: ReadonlyMap<string, FoundHealth>,
  time: string,
): readonly InboundHealth[] {
  return inboundsOf(spec)
    .filter(isProbed)
    .map((inbound): InboundHealth => {
      const address = inboundAddress(spec, inbound);
      const port = inbound.port ?? 0;
      const known = before.find((each) => each.address === address && each.port === port);
      const finding = found.get(inboundKey(spec, inbound));
      const ready = inbound.health?.ready === true;
      if (finding === undefined || known?.ready === ready) return known ?? { address, port, ready, since: time };
      return { address, port, ready, since: time, ...(finding.reason === undefined ? {} : { reason: finding.reason }) };
    });
}
