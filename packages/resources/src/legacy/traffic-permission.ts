// TrafficPermission (older form of MeshTrafficPermission): it has no `conf`, its being there permits.
import { closed } from '../schema/shapes.ts';
import { defineConnectionPolicy } from './connection-policy.ts';

/** Resource type of the older permissions. */
export const trafficPermission = defineConnectionPolicy({
  name: 'TrafficPermission',
  idle: { when: 'without-mtls', advice: 'enable mTLS, and use MeshTrafficPermission' },
  conf: closed({}),
  destinations: 'tags',
  confRequired: false,
});
