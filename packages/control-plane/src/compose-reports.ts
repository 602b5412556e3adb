// Reports of usage, for who wants them: to a server that the settings name. There is none that they go to by themselves.
import { hostname } from 'node:os';
import type { ResourceType } from '@ursa/resources';
import type { Component } from './component.ts';
import type { Settings } from './config/settings.ts';
import type { Clock } from './identity/clock.ts';
import type { Log } from './log.ts';
import { describeUsage } from './reports/usage-report.ts';
import { usageReports } from './reports/usage-reports.ts';
import type { LiveResources } from './store/live-resources.ts';
import { clusterIdOf } from './store/startup-resources.ts';
import { buildInfo } from './version.ts';

/** What reports are made of. */
export interface ReportsSurroundings {
  readonly live: LiveResources;
  readonly types: readonly ResourceType[];
  readonly clock: Clock;
  readonly log: Log;
  readonly instanceId: string;
}

/** The reports of the leader; none unless they are enabled and have somewhere to go. */
export function composeReports(
  { reports, store, mode, environment }: Settings,
  { live, types, clock, log, instanceId }: ReportsSurroundings,
): readonly Component[] {
  const own = log.component('reports');
  if (reports.enabled && reports.url === '')
    own.info('reports.enabled (KUMA_REPORTS_ENABLED) has no effect without reports.url (KUMA_REPORTS_URL)');
  if (!reports.enabled || reports.url === '') return [];
  const { product, version } = buildInfo;
  const facts = { product, version, instanceId, hostname: hostname(), backend: store.type, mode, environment };
  return [
    usageReports({
      url: reports.url,
      clock,
      report: (signal) => describeUsage(live, types, { ...facts, signal, clusterId: clusterIdOf(live) }),
      onFailure: (error) => own.warn('a report of usage was not taken', { error }),
    }),
  ];
}
