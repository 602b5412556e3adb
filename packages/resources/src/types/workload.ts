// Workload: the proxies that belong together, with their numbers.
import { type Static, Type } from 'typebox';
import { defineType } from '../define-type.ts';
import { closed } from '../schema/shapes.ts';

const workloadStatus = closed({
  dataplaneProxies: Type.Optional(
    closed({ connected: Type.Integer(), healthy: Type.Integer(), total: Type.Integer() }),
  ),
});
/** How many proxies a workload has. */
export type WorkloadStatus = Static<typeof workloadStatus>;

/** Resource type of workloads. */
export const workload = defineType({
  name: 'Workload',
  shortName: 'wl',
  specForm: 'nested',
  includeInFederation: false,
  spec: closed({}),
  status: workloadStatus,
  emptyStatus: { dataplaneProxies: { connected: 0, healthy: 0, total: 0 } },
  providedByGlobal: false,
});
