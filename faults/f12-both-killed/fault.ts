// F12: a proxy is killed while its control plane is away. Nobody saw it go: whoever is up next must find out, and tell the others. That is the same
// control plane, started again, or another one over the same database.
import { databaseMissing } from '../harness/database.ts';
import { defineFault } from '../harness/fault.ts';
import { withAnotherControlPlane } from './another-control-plane.ts';
import { withTheSameControlPlane } from './same-control-plane.ts';

/** The fault. */
export const fault = defineFault({
  id: 'F12',
  title: 'proxy killed while the control plane is down',
  how: 'kill -9 of kuma-cp, then of kuma-dp and Envoy; the control plane is started again 3 s later. Then two control planes over PostgreSQL: the leader is frozen, a proxy of its own killed, then the leader, for good',
  pace: 'ci',
  lacks: databaseMissing,
  run: async (context) => [...(await withTheSameControlPlane(context)), ...(await withAnotherControlPlane(context))],
});
