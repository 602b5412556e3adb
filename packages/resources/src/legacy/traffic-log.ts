// TrafficLog (older form of MeshAccessLog).
import { closed, optionalText } from '../schema/shapes.ts';
import { defineConnectionPolicy } from './connection-policy.ts';

/** Resource type of the older access logs. */
export const trafficLog = defineConnectionPolicy({
  name: 'TrafficLog',
  idle: { when: 'always', advice: 'use MeshAccessLog' },
  conf: closed({ backend: optionalText }),
  confRequired: false,
});
