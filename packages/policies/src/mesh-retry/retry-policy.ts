// Writes a MeshRetry's conf as Envoy's retry policy of a route.
import { create } from '@bufbuild/protobuf';
import { durationOf, metadataOf, pack } from '@ursa/envoy';
import {
  type HeaderMatcher,
  HeaderMatcherSchema,
  type RetryPolicy,
  RetryPolicy_RateLimitedRetryBackOffSchema,
  RetryPolicy_ResetHeaderFormat,
  RetryPolicy_RetryBackOffSchema,
  RetryPolicy_RetryHostPredicateSchema,
  RetryPolicy_RetryPrioritySchema,
  RetryPolicySchema,
} from '@ursa/envoy/gen/envoy/config/route/v3/route_components_pb.ts';
import { OmitHostMetadataConfigSchema } from '@ursa/envoy/gen/envoy/extensions/retry/host/omit_host_metadata/v3/omit_host_metadata_config_pb.ts';
import { PreviousHostsPredicateSchema } from '@ursa/envoy/gen/envoy/extensions/retry/host/previous_hosts/v3/previous_hosts_pb.ts';
import { PreviousPrioritiesConfigSchema } from '@ursa/envoy/gen/envoy/extensions/retry/priority/previous_priorities/v3/previous_priorities_config_pb.ts';
import { parseDuration } from '@ursa/resources';
import type { HeaderMatch } from '../conf/headers.ts';
import type { GrpcRetry, HttpRetry } from './retry-conf.ts';
import { conditionNames, grpcStatusNames, isStatusCode, methodNames } from './retry-on.ts';

const httpDefault = 'gateway-error,connect-failure,refused-stream';
const grpcDefault = 'cancelled,connect-failure,gateway-error,refused-stream,reset,resource-exhausted,unavailable';

/** Retries of gRPC calls; undefined when the conf asks for none. */
export function grpcRetryPolicy(conf: GrpcRetry): RetryPolicy | undefined {
  const statuses = (conf.retryOn ?? []).map((status) => grpcStatusNames.get(status) ?? status);
  return commonPolicy(conf, statuses.length === 0 ? grpcDefault : statuses.join(','));
}

/** Retries of HTTP requests; undefined when the conf asks for none. */
export function httpRetryPolicy(conf: HttpRetry): RetryPolicy | undefined {
  const { retryOn = [] } = conf;
  const conditions = retryOn.flatMap((item) => conditionNames.get(item) ?? []);
  const codes = retryOn.filter(isStatusCode).map(Number);
  const on = conditions.length === 0 ? [httpDefault] : conditions;
  // Envoy looks at the codes and at the headers of an answer only where it is told to.
  if (codes.length > 0) on.push('retriable-status-codes');
  if ((conf.retriableResponseHeaders ?? []).length > 0) on.push('retriable-headers');
  const policy = commonPolicy(conf, on.join(','));
  if (policy === undefined) return undefined;
  policy.retriableStatusCodes = codes;
  const methods = retryOn.flatMap((item) => methodNames.get(item) ?? []);
  policy.retriableRequestHeaders = [
    ...methods.map((method) => headerMatcher({ name: ':method', value: method })),
    ...(conf.retriableRequestHeaders ?? []).map(headerMatcher),
  ];
  policy.retriableHeaders = (conf.retriableResponseHeaders ?? []).map(headerMatcher);
  selectHosts(policy, conf.hostSelection ?? []);
  if (conf.hostSelectionMaxAttempts !== undefined) {
    const attempts = BigInt(conf.hostSelectionMaxAttempts);
    policy.hostSelectionRetryMaxAttempts = attempts > mostAttempts ? mostAttempts : attempts;
  }
  return policy;
}

function commonPolicy(conf: HttpRetry | GrpcRetry, retryOn: string): RetryPolicy | undefined {
  if (conf.numRetries === 0) return undefined;
  const policy = create(RetryPolicySchema, { retryOn });
  if (conf.numRetries !== undefined) policy.numRetries = conf.numRetries;
  if (conf.perTryTimeout !== undefined) policy.perTryTimeout = time(conf.perTryTimeout);
  if (conf.backOff !== undefined) policy.retryBackOff = backOffOf(conf.backOff);
  if (conf.rateLimitedBackOff !== undefined) {
    const { resetHeaders = [], maxInterval } = conf.rateLimitedBackOff;
    policy.rateLimitedRetryBackOff = create(RetryPolicy_RateLimitedRetryBackOffSchema, {
      resetHeaders: resetHeaders.map(({ name, format }) => ({
        name,
        format:
          format === 'Seconds' ? RetryPolicy_ResetHeaderFormat.SECONDS : RetryPolicy_ResetHeaderFormat.UNIX_TIMESTAMP,
      })),
      ...(maxInterval === undefined ? {} : { maxInterval: time(maxInterval) }),
    });
  }
  return policy;
}

/**
 * Two policies can each say one of the two intervals. Envoy needs the base, and no maximum below it: a base that nobody gave gives way to
 * the maximum, a maximum that is too short to the base.
 */
function backOffOf({ baseInterval, maxInterval }: NonNullable<HttpRetry['backOff']>) {
  const most = maxInterval === undefined ? undefined : milliseconds(maxInterval);
  const base = baseInterval === undefined ? Math.min(usualBase, most ?? usualBase) : milliseconds(baseInterval);
  return create(RetryPolicy_RetryBackOffSchema, {
    baseInterval: durationOf(base),
    ...(most === undefined ? {} : { maxInterval: durationOf(Math.max(base, most)) }),
  });
}

const usualBase = 25;

/** What Envoy's field holds. */
const mostAttempts = 2n ** 63n - 1n;

function selectHosts(policy: RetryPolicy, selections: NonNullable<HttpRetry['hostSelection']>): void {
  for (const { predicate, tags = {}, updateFrequency = 2 } of selections) {
    if (predicate === 'OmitPreviousPriorities') {
      const config = create(PreviousPrioritiesConfigSchema, { updateFrequency });
      policy.retryPriority = create(RetryPolicy_RetryPrioritySchema, {
        name: 'envoy.retry_priorities.previous_priorities',
        configType: { case: 'typedConfig', value: pack(PreviousPrioritiesConfigSchema, config) },
      });
      continue;
    }
    const [name, value] =
      predicate === 'OmitPreviousHosts'
        ? ['previous_hosts', pack(PreviousHostsPredicateSchema, create(PreviousHostsPredicateSchema))]
        : ['omit_host_metadata', pack(OmitHostMetadataConfigSchema, omitHosts(tags))];
    policy.retryHostPredicate.push(
      create(RetryPolicy_RetryHostPredicateSchema, {
        name: `envoy.retry_host_predicates.${name}`,
        configType: { case: 'typedConfig', value },
      }),
    );
  }
}

function omitHosts(tags: Readonly<Record<string, string>>) {
  return create(OmitHostMetadataConfigSchema, { metadataMatch: metadataOf({ 'envoy.lb': { ...tags } }) });
}

function headerMatcher({ type = 'Exact', name, value = '' }: HeaderMatch): HeaderMatcher {
  if (type === 'Present' || type === 'Absent') {
    const presence = { case: 'presentMatch' as const, value: type === 'Present' };
    return create(HeaderMatcherSchema, { name, headerMatchSpecifier: presence });
  }
  const pattern =
    type === 'RegularExpression'
      ? { case: 'safeRegex' as const, value: { regex: value } }
      : { case: type === 'Prefix' ? ('prefix' as const) : ('exact' as const), value };
  return create(HeaderMatcherSchema, {
    name,
    headerMatchSpecifier: { case: 'stringMatch', value: { matchPattern: pattern } },
  });
}

function milliseconds(duration: string): number {
  return parseDuration(duration) ?? 0;
}

function time(duration: string) {
  return durationOf(milliseconds(duration));
}
