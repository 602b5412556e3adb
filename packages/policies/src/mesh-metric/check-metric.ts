// Rules for a MeshMetric's conf that its schema cannot say.
import type { Report } from '@ursa/policy';
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
  for (const [index, { type, prometheus, openTelemetry }] of backends.entries()) {
    const at = report.at(`backends.backend[${index}]`);
    if (type === 'Prometheus') {
      if (prometheus === undefined) at.add('prometheus', 'must be defined');
      else checkPort(prometheus.port ?? 5670, at, 'port');
    } else if (openTelemetry === undefined) at.add('openTelemetry', 'must be defined');
    else checkCollector(at.at('openTelemetry'), openTelemetry);
  }
}

function checkPort(port: number, report: Report, field: string): void {
  if (port < 1 || port > 65535) report.add(field, 'port must be a valid (1-65535)');
}
