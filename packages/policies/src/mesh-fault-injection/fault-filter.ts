// Envoy's fault filters: one for each fault of a conf, for all requests, for clients with certain tags, or for clients with certain identities.
import { create } from '@bufbuild/protobuf';
import { durationOf, httpFilter, pack } from '@ursa/envoy';
import { HeaderMatcherSchema } from '@ursa/envoy/gen/envoy/config/route/v3/route_components_pb.ts';
import { HTTPFaultSchema } from '@ursa/envoy/gen/envoy/extensions/filters/http/fault/v3/fault_pb.ts';
import type { HttpFilter } from '@ursa/envoy/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts';
import {
  FractionalPercent_DenominatorType,
  FractionalPercentSchema,
} from '@ursa/envoy/gen/envoy/type/v3/percent_pb.ts';
import { parseDecimal, type Subset } from '@ursa/policy';
import { parseDuration } from '@ursa/resources';
import type { Fault } from './mesh-fault-injection.ts';

/** The filter of one fault; `subset` are the tags that clients must have and those that they must not. */
export function faultFilter({ abort, delay, responseBandwidth }: Fault, subset: Subset = []): HttpFilter {
  const message = create(HTTPFaultSchema, {
    ...(abort && {
      abort: {
        errorType: { case: 'httpStatus', value: abort.httpStatus },
        percentage: percent(abort.percentage),
      },
    }),
    ...(delay && {
      delay: {
        faultDelaySecifier: { case: 'fixedDelay', value: durationOf(parseDuration(delay.value) ?? 0) },
        percentage: percent(delay.percentage),
      },
    }),
    ...(responseBandwidth && {
      responseRateLimit: {
        limitType: { case: 'fixedLimit', value: { limitKbps: kilobits(responseBandwidth.limit) } },
        percentage: percent(responseBandwidth.percentage),
      },
    }),
    headers: tagMatchers(subset),
  });
  return httpFilter('envoy.filters.http.fault', pack(HTTPFaultSchema, message));
}

// The coarsest of Envoy's three scales that is exact enough.
function percent(given: number | string) {
  const value = parseDecimal(given) ?? 0;
  const { HUNDRED, TEN_THOUSAND, MILLION } = FractionalPercent_DenominatorType;
  const [denominator, scale] = Number.isInteger(value)
    ? [HUNDRED, 1]
    : Number.isInteger(Math.round(value * 1e6) / 1e4)
      ? [TEN_THOUSAND, 100]
      : [MILLION, 10_000];
  return create(FractionalPercentSchema, { numerator: Math.round(value * scale), denominator });
}

/** What Envoy's field holds: more than any network carries. */
const largestLimit = 2n ** 64n - 1n;

function kilobits(limit: string): bigint {
  const [, number = '0', unit = 'k'] = /^(\d+)\s?([kMG])bps$/.exec(limit) ?? [];
  const wanted = BigInt(number) * { k: 1n, M: 1000n, G: 1_000_000n }[unit as 'k' | 'M' | 'G'];
  return wanted > largestLimit ? largestLimit : wanted;
}

function tagMatchers(subset: Subset) {
  const required = subset.filter(({ not }) => !not);
  const matchers = subset.filter(({ not }) => not).map((tag) => headerMatcher(pattern([tag]), true));
  return required.length === 0 ? matchers : [headerMatcher(pattern(required), false), ...matchers];
}

// Tags stand in the header in the order of their names.
function pattern(tags: Subset): string {
  const sorted = tags.toSorted((first, second) => (first.key < second.key ? -1 : 1));
  const parts = sorted.map(({ key, value }) => `&${escaped(key)}=[^&]*${escaped(value)}[,&]`);
  return `.*${parts.join('.*')}.*`;
}

// Dots stay as they are, which peers expect: names that differ in one only are not told apart.
function escaped(text: string): string {
  return text.replaceAll(/[\\^$*+?()[\]{}|]/g, '\\$&');
}

function headerMatcher(regex: string, invertMatch: boolean) {
  const matchPattern = { case: 'safeRegex' as const, value: { regex } };
  return create(HeaderMatcherSchema, {
    name: 'x-kuma-tags',
    headerMatchSpecifier: { case: 'stringMatch', value: { matchPattern } },
    // Clients outside the mesh send no tags: they lack those that nobody may have.
    ...(invertMatch ? { invertMatch, treatMissingHeaderAsEmpty: true } : {}),
  });
}
