// DNS of a proxy: the names of the mesh are followed, applications whose questions are redirected here are answered.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { configSocket } from '../dynamic-config/config-socket.ts';
import { watchDocument } from '../dynamic-config/watch-document.ts';
import type { Log } from '../log.ts';
import { openAnswerCache } from './answer-cache.ts';
import { type AnswerSources, answerQuery } from './answer-query.ts';
import { openServerAsker } from './ask-servers.ts';
import { openDnsServer } from './dns-server.ts';
import { localAskers } from './local-askers.ts';
import { type MeshNames, parseMeshNames } from './mesh-names.ts';
import { followResolvConf, withoutLoopback } from './resolv-conf.ts';

/** What DNS is opened with. */
export interface DnsOptions {
  readonly workDir: string;
  readonly port: number;
  /** Virtual networks of this host that are redirected, too (`172.17.0.0/16`): their questions do not come from the loopback. */
  readonly networks: readonly string[];
  /** Whether IPv6 traffic reaches the proxy. */
  readonly ipv6: boolean;
  /** Milliseconds between two looks at the names. */
  readonly refreshInterval: number;
  readonly resolvConf: string;
  /** Whether servers on the loopback are asked for what is not of the mesh. */
  readonly asksLoopback: boolean;
  /** Port of the host's servers; 53 but in tests. */
  readonly serverPort?: number;
  /** Log every question. */
  readonly logsQuestions: boolean;
  readonly log: Log;
}

/** The running part. */
export interface Dns {
  readonly port: number;
  close(): Promise<void>;
}

/** A name that is asked for and not known is looked up at the control plane's last word, but not more often than this (milliseconds). */
const refreshAtMost = 250;
const longestRefresh = 200;

/** Starts to answer. Throws `MeshError` when the port is taken. */
export async function openDns(options: DnsOptions): Promise<Dns> {
  const { workDir, port, networks, ipv6, refreshInterval, resolvConf, log } = options;
  const ended = new AbortController();
  const now = (): number => performance.now();
  let names: MeshNames | undefined;
  let unreachable = false;
  const document = watchDocument({
    socketPath: join(workDir, configSocket),
    path: '/dns',
    interval: refreshInterval,
    keepsUnreachable: true,
    log,
    signal: ended.signal,
    onChange(text) {
      names = text === undefined ? undefined : parseMeshNames(text);
      log.debug('names of the mesh', { names: names?.count ?? 0 });
    },
  });
  let refreshed = Number.NEGATIVE_INFINITY;
  let refreshing: Promise<void> = Promise.resolve();
  const rules = followResolvConf(resolvConf, now);
  const sources: AnswerSources = {
    names: () => names,
    refresh(): Promise<void> {
      if (now() - refreshed < refreshAtMost) return refreshing;
      refreshed = now();
      // An Envoy that hangs does not hold up what is not of the mesh.
      refreshing = Promise.race([document.askNow(), sleep(longestRefresh, undefined, { ref: false })]);
      return refreshing;
    },
    cache: openAnswerCache(now),
    servers: openServerAsker({
      rules: options.asksLoopback ? rules : () => withoutLoopback(rules()),
      now,
      ...(options.serverPort === undefined ? {} : { port: options.serverPort }),
      onReachable(reachable, reason) {
        if (reachable === !unreachable) return;
        unreachable = !reachable;
        if (reachable) log.info('a DNS server of this host answers again');
        else log.warn('no DNS server of this host answers; names of the mesh go on', { resolvConf, reason });
      },
    }),
    ipv6,
    ...(options.logsQuestions ? { onAnswer: logQuestion(log) } : {}),
  };
  const addresses = networks.length > 0 ? ['0.0.0.0', '::'] : ['127.0.0.1', '::1'];
  const end = async (): Promise<void> => {
    ended.abort();
    await document.ended;
  };
  try {
    const server = await openDnsServer({
      ...{ addresses, port, serves: networks.length > 0 ? localAskers(networks) : () => true },
      answer: (bytes, by) => answerQuery(bytes, by, sources),
    });
    log.info('answers DNS', { addresses: server.addresses, port: server.port });
    return { port: server.port, close: async () => void (await Promise.all([server.close(), end()])) };
  } catch (cause) {
    await end();
    throw cause;
  }
}

/** What somebody who looks for a wrong answer wants to see. */
function logQuestion(log: Log): NonNullable<AnswerSources['onAnswer']> {
  return ({ name, type }, code, from) => log.info('question', { name, type, from, code });
}
