// Rules for a MeshMetric's conf that its schema cannot say.
import { checkDuration, type Report } from '@ursa/policy';
import { findRegularExpressionError } from '@ursa/resources';
import { checkCollector } from '../conf/open-telemetry.ts';
import type { MetricConf } from './metric-conf.ts';

/** Reports what is wrong with a conf. */
// The peers name the item of a list behind the list; clients know these paths.
export function checkMetrics({ sidecar: proxy, applications = [], backends = [] }: MetricConf, report: Report): void {
  for (const list of ['exclude', 'include'] as const) {
    for (const [index, { type, match }] of (proxy?.profiles?.[list] ?? []).entries()) {
      const field = `sidecar.profiles.${list}[${index}].match`;
      if (type === 'Regex' && findRegularExpressionError(match) !== undefined) report.add(field, 'invalid regex');
    }
  }
  for (const [index, { port }] of applications.entries()) {
    checkPort(port, report, `applications.application[${index}]`);
  }
  const listeners = new Map<number, { readonly index: number; readonly clientId: string }>();
  for (const [index, { type, prometheus, openTelemetry }] of backends.entries()) {
    const at = report.at(`backends.backend[${index}]`);
    if (type === 'Prometheus') {
      if (prometheus === undefined) at.add('prometheus', 'must be defined');
      else {
        const { port = 5670, clientId = 'default-backend' } = prometheus;
        checkPort(port, at, 'port');
        const other = listeners.get(port) ?? { index, clientId };
        listeners.set(port, other);
        // Backends of one client are one listener.
        if (other.clientId !== clientId) {
          at.add('port', `must not be ${port}, which backend ${other.index} has: each client needs a port of its own`);
        }
      }
    } else if (openTelemetry === undefined) at.add('openTelemetry', 'must be defined');
    else {
      checkCollector(at.at('openTelemetry'), openTelemetry);
      checkDuration(at, 'openTelemetry.refreshInterval', openTelemetry.refreshInterval);
    }
  }
}

function checkPort(port: number, report: Report, field: string): void {
  if (port < 1 || port > 65535) report.add(field, 'port must be a valid (1-65535)');
}
