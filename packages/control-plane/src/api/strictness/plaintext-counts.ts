// How many connections came to an inbound in plain text, by what its Envoy has counted.
import type { InboundStatistics } from './inbound-statistics.ts';

/** Connections without mTLS of the mesh. */
export interface PlaintextCount {
  /** Since Envoy started. */
  readonly total: number;
  /** Open now; of inbounds that are no HTTP those that are so for certain. */
  readonly open: number;
}

/** Path of Envoy's admin interface that answers with all that `countPlaintext` reads. */
export const statisticsPath = `/stats?filter=${encodeURIComponent(
  '^(listener|http)\\..*\\.(downstream_cx_(total|active|ssl_total|ssl_active)|ssl\\.(handshake|connection_error|fail_verify_[a-z_]+))$',
)}`;

/** Reads Envoy's text form: a statistic a line. */
export function parseStatistics(text: string): ReadonlyMap<string, number> {
  const pairs = text.split('\n').flatMap((line): [string, number][] => {
    const end = line.lastIndexOf(': ');
    return end === -1 ? [] : [[line.slice(0, end), Number(line.slice(end + 2))]];
  });
  return new Map(pairs.filter(([, value]) => Number.isFinite(value)));
}

const failures = [
  'connection_error',
  'fail_verify_no_cert',
  'fail_verify_error',
  'fail_verify_san',
  'fail_verify_cert_hash',
];

/**
 * The count of an inbound; undefined when Envoy does not have it (yet). Where it speaks HTTP, Envoy itself tells connections over TLS from others.
 * Of other protocols only handshakes are counted: what has none is plain text.
 */
export function countPlaintext(
  statistics: ReadonlyMap<string, number>,
  { listener, http }: Pick<InboundStatistics, 'listener' | 'http'>,
): PlaintextCount | undefined {
  const difference = (whole: number | undefined, part: number): number => Math.max(0, (whole ?? 0) - part);
  if (http !== undefined && statistics.has(`${http}.downstream_cx_total`)) {
    const of = (name: string): number => statistics.get(`${http}.downstream_cx_${name}`) ?? 0;
    return { total: difference(of('total'), of('ssl_total')), open: difference(of('active'), of('ssl_active')) };
  }
  const connections = statistics.get(`${listener}.downstream_cx_total`);
  if (connections === undefined) return undefined;
  const ofTls = (name: string): number => statistics.get(`${listener}.ssl.${name}`) ?? 0;
  const shaken = ofTls('handshake');
  const failed = failures.reduce((sum, name) => sum + ofTls(name), 0);
  return {
    total: difference(connections, shaken + failed),
    open: difference(statistics.get(`${listener}.downstream_cx_active`), shaken),
  };
}
