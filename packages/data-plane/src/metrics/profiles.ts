// Which of Envoy's metrics are shown: profiles, and what a user takes out of them or adds to them.

import type { Family } from '@ursa/telemetry';
import { linearExpression } from './linear-expression.ts';
import type { MetricSelector, SidecarMetrics } from './metrics-config.ts';
import { entityLabels, isOwn } from './own-traffic.ts';

/** What the profile Basic shows: traffic, latency, errors and saturation, and what the peers' dashboards draw. */
const basicParts = [
  ...['rq_time', '_rq', 'bytes', 'cx_length_ms', 'cx_count', 'cx_active', 'cx_connect', 'cx_total', 'cx_destroy'],
  ...[
    'timeout',
    'error',
    'fail',
    'reset',
    'eject',
    'overflow',
    'cancelled',
    'max_duration_reached',
    'reject',
    'denied',
  ],
  ...['no_cluster', 'no_route', 'no_filter_chain', 'lb_healthy_panic', 'health_check', 'circuit_breakers', 'rbac'],
  ...['ssl_handshake', 'ssl_context_update_by_sds', 'days_until_first_cert_expiring'],
];
const basicPrefixes = ['envoy_server', 'envoy_control_plane', 'envoy_dns_filter', 'envoy_dns_cares', 'kuma_dp_dns'];
const basicNames: ReadonlySet<string> = new Set([
  'envoy_cluster_membership_degraded',
  'envoy_cluster_membership_healthy',
  'envoy_cluster_membership_total',
]);

type Matcher = (name: string) => boolean;

const isBasic: Matcher = (name) =>
  basicNames.has(name) ||
  basicPrefixes.some((prefix) => name.startsWith(prefix)) ||
  basicParts.some((part) => name.includes(part));

/** Filters families by a MeshMetric's `sidecar`. Selectors are made once, for many scrapes. */
export function profileFilter({ profiles = {} }: SidecarMetrics): (families: readonly Family[]) => Family[] {
  const { appendProfiles = [], include = [], exclude = [] } = profiles;
  const named = new Set(appendProfiles.map(({ name }) => name));
  // Each contains the next: the widest one counts.
  const profile = named.has('All') ? 'All' : named.has('Basic') || named.size === 0 ? 'Basic' : 'None';
  const included = include.map(matcherOf);
  const excluded = exclude.map(matcherOf);
  const shows: Matcher = (name) => {
    if (included.some((matches) => matches(name))) return true;
    if (excluded.some((matches) => matches(name))) return false;
    return profile === 'All' || (profile === 'Basic' && isBasic(name));
  };
  return (families) => {
    const shown = families.filter(({ name }) => shows(name));
    return profile === 'Basic' ? shown.map(withoutOwn).filter(({ samples }) => samples.length > 0) : shown;
  };
}

const entities: ReadonlySet<string> = new Set(Object.values(entityLabels));

function withoutOwn({ samples, ...family }: Family): Family {
  const ofUsers = samples.filter(({ labels }) => !labels.some(([name, value]) => entities.has(name) && isOwn(value)));
  return { ...family, samples: ofUsers };
}

function matcherOf({ type, match }: MetricSelector): Matcher {
  if (type === 'Exact') return (name) => name === match;
  if (type === 'Prefix') return (name) => name.startsWith(match);
  if (type === 'Contains') return (name) => name.includes(match);
  return regexMatcher(match);
}

// Patterns come from users: they are run by the engine that takes linear time, so that none can hold up the proxy (quality: hostile input).
function regexMatcher(pattern: string): Matcher {
  try {
    return linearExpression(pattern);
  } catch {
    // The control plane refuses such patterns.
    return () => false;
  }
}
