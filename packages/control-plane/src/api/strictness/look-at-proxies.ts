// Looks at the proxies that are connected to this instance: which inbounds let in plain text, whether any comes, and who has no certificate.
import type { Collection } from '@ursa/collections';
import type { ConnectedProxy, Engine } from '@ursa/engine';
import type { EnvoyResource } from '@ursa/envoy';
import { MeshError } from '@ursa/resources';
import type { EnvoyAdmin } from '../../identity/envoy-admin.ts';
import { takeTurns } from '../../turns.ts';
import { statisticsOf } from './inbound-statistics.ts';
import { countPlaintext, type PlaintextCount, parseStatistics, statisticsPath } from './plaintext-counts.ts';
import { formatSpan, type ProxyReport } from './proxy-report.ts';
import type { PlaintextJudgement, QuietInbounds } from './quiet-inbounds.ts';

/** What is looked at. */
export interface LookOptions {
  readonly engine: Pick<Engine, 'config' | 'identityRequest' | 'strictInbounds'>;
  readonly proxies: Pick<Collection<ConnectedProxy>, 'keys' | 'get'>;
  readonly admin: EnvoyAdmin;
  /** Whether a proxy should have a certificate that it does not have yet. */
  readonly awaitsCertificate: (proxyKey: string) => boolean;
  readonly quietInbounds: QuietInbounds;
  /** Milliseconds. */
  readonly quietPeriod: number;
  /** Milliseconds for all proxies together; 5 s unless told. */
  readonly budget?: number;
}

// Envoy reads one count after another while connections come and go: one over TLS that does so in between looks like plain text. What counts is the
// least of some readings, each of which can only be too high.
const readings = 3;
// Whoever writes waits for it: with thousands of proxies the last ones are not asked, and the writer is told so.
const budget = 5_000;
// An Envoy is asked over a connection of its own, and no more of them at once than the control plane can take.
const atOnce = 8;

/** What is asked of each proxy. */
export interface Inquiry {
  /** The listeners that matter of the inbounds that let in plain text now. */
  readonly inboundsOf: (proxyKey: string, open: readonly EnvoyResource[]) => readonly EnvoyResource[];
  /** What a change does to the proxy's own certificate; undefined: nothing that anybody would notice. */
  readonly lossOf: (proxyKey: string) => Pick<ProxyReport, 'state' | 'reason'> | undefined;
  /** The proxies that can be concerned; undefined: all of the mesh. */
  readonly only?: ReadonlySet<string> | undefined;
}

/** Reports on Dataplanes of a mesh. */
export async function lookAtProxies(
  mesh: string,
  inquiry: Inquiry,
  options: LookOptions,
): Promise<readonly ProxyReport[]> {
  const keys = options.proxies
    .keys()
    .filter((key) => inquiry.only?.has(key) ?? key.startsWith(`${mesh}/`))
    .filter((key) => options.proxies.get(key)?.proxyType === 'dataplane');
  const known = new Set(options.proxies.keys());
  options.quietInbounds.keep((id) => known.has(id.slice(0, id.indexOf(' '))));
  const reports: ProxyReport[] = [];
  const waiting = keys.entries();
  const end = performance.now() + (options.budget ?? budget);
  const turn = takeTurns();
  const work = async (): Promise<void> => {
    for (const [position, key] of waiting) {
      // What a change would make of a proxy is derived here, and not every proxy has to be asked.
      await turn();
      reports[position] = performance.now() < end ? await lookAt(key, inquiry, options) : notLookedAt(key);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return reports;
}

function notLookedAt(key: string): ProxyReport {
  const separator = key.indexOf('/');
  const reason = `there are too many proxies to ask all of them within ${formatSpan(budget)}`;
  return {
    ...{ mesh: key.slice(0, separator), name: key.slice(separator + 1) },
    ...{ state: 'unknown', reason, affected: true },
  };
}

async function lookAt(key: string, { inboundsOf, lossOf }: Inquiry, options: LookOptions): Promise<ProxyReport> {
  const separator = key.indexOf('/');
  const [mesh, name] = [key.slice(0, separator), key.slice(separator + 1)];
  const listeners = options.engine.config.get(key)?.resources.listener.values() ?? [];
  const inbounds = [...listeners].filter(({ origin }) => origin === 'inbound');
  const strict = options.engine.strictInbounds.get(key);
  const open = inbounds.filter((inbound) => !strict.includes(inbound.name));
  const asked = open.length === 0 ? [] : inboundsOf(key, open);
  const report = (state: ProxyReport['state'], reason = ''): ProxyReport => ({
    ...{ mesh, name, state, reason },
    affected: asked.length > 0,
  });
  if (options.awaitsCertificate(key))
    return report('no certificate', 'its certificate has not been issued yet: look at kumactl inspect dataplanes');
  const loss = lossOf(key);
  if (loss !== undefined) return { mesh, name, ...loss, affected: true };
  const secured = options.engine.identityRequest.get(key) !== undefined;
  // An agent on its host may issue what it shows.
  if (open.length === 0) return report(secured || inbounds.length > 0 ? 'strict' : 'no mTLS');
  if (asked.length === 0) return report('ready');
  try {
    const ids = asked.map((inbound) => `${key} ${inbound.name}`);
    const read = async (): Promise<readonly PlaintextCount[]> => {
      const counted = parseStatistics(await options.admin.ask({ proxyType: 'dataplane', mesh, name }, statisticsPath));
      return asked.map((inbound) => countPlaintext(counted, statisticsOf(inbound)) ?? { total: 0, open: 0 });
    };
    const counts = await leastOf(read, (count, position) => options.quietInbounds.isNews(ids[position] ?? '', count));
    const found = asked.map((inbound, position): { port: number; judgement: PlaintextJudgement } => {
      const count = counts[position] ?? { total: 0, open: 0 };
      return { port: statisticsOf(inbound).port, judgement: options.quietInbounds.judge(ids[position] ?? '', count) };
    });
    const loud = found.filter(({ judgement }) => judgement.kind !== 'quiet');
    const reason = loud.map(({ port, judgement }) => describe(port, judgement, options.quietPeriod)).join('; ');
    if (loud.some(({ judgement }) => judgement.kind === 'in-use')) return report('plaintext', reason);
    if (loud.length > 0) return report('undecided', reason);
    return report(secured ? 'ready' : 'no mTLS');
  } catch (error) {
    return report('unknown', error instanceof MeshError ? error.message : 'its Envoy could not be asked');
  }
}

/** Reads again while something looks like plain text that was not known. */
async function leastOf(
  read: () => Promise<readonly PlaintextCount[]>,
  isNews: (count: PlaintextCount, position: number) => boolean,
): Promise<readonly PlaintextCount[]> {
  let least = await read();
  for (let reading = 1; reading < readings && least.some(isNews); reading += 1) {
    const next = await read();
    least = least.map(({ total, open }, position) => ({
      total: Math.min(total, next[position]?.total ?? total),
      open: Math.min(open, next[position]?.open ?? open),
    }));
  }
  return least;
}

function describe(port: number, judgement: PlaintextJudgement, quietPeriod: number): string {
  if (judgement.kind === 'quiet') return '';
  const { total, open } = judgement.count;
  const came = `${total} plaintext ${total === 1 ? 'connection' : 'connections'} to port ${port} since its Envoy started`;
  if (judgement.kind === 'in-use')
    return `${came}, ${open > 0 ? `${open} open now` : 'more of them since the last look'}`;
  const { quietFor } = judgement;
  return `${came}, none in the ${formatSpan(quietFor)} since it is watched: look again in ${formatSpan(quietPeriod - quietFor)}`;
}
