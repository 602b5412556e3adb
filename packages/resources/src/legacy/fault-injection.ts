// FaultInjection (older form of MeshFaultInjection).
import { type Static, Type } from 'typebox';
import { tagNames } from '../label-names.ts';
import { closed, optionalProtoDuration, wrappedCount, wrappedNumber } from '../schema/shapes.ts';
import { defineConnectionPolicy, requireDuration, requirePercentage } from './connection-policy.ts';

const conf = closed({
  delay: Type.Optional(closed({ percentage: wrappedNumber, value: optionalProtoDuration })),
  abort: Type.Optional(closed({ percentage: wrappedNumber, httpStatus: wrappedCount })),
  responseBandwidth: Type.Optional(
    closed({ percentage: wrappedNumber, limit: Type.Optional(Type.String({ 'x-keep-default': true })) }),
  ),
});

const protocols = ['http', 'http2', 'grpc'];

/** Resource type of the older faults. */
export const faultInjection = defineConnectionPolicy<Static<typeof conf>>({
  name: 'FaultInjection',
  idle: { when: 'always', advice: 'use MeshFaultInjection' },
  conf,
  destinations: 'tags',
  check({ delay, abort, responseBandwidth }, violations, { destinations = [] }) {
    for (const [index, { match = {} }] of destinations.entries()) {
      const protocol = match[tagNames.protocol];
      const field = `destinations[${index}].match`;
      if (protocol === undefined) violations.add(field, 'protocol must be specified');
      else if (!protocols.includes(protocol)) {
        violations.addKey(field, tagNames.protocol, `must be one of the [${protocols.join(', ')}]`);
      }
    }
    if (delay !== undefined) {
      requirePercentage(violations, 'conf.delay.percentage', delay.percentage);
      requireDuration(violations, 'conf.delay.value', delay.value);
    }
    if (abort !== undefined) {
      requirePercentage(violations, 'conf.abort.percentage', abort.percentage);
      if (abort.httpStatus === undefined) violations.add('conf.abort.httpStatus', 'cannot be empty');
      else if (abort.httpStatus < 100 || abort.httpStatus > 599)
        violations.add('conf.abort.httpStatus', 'http status code is incorrect');
    }
    if (responseBandwidth !== undefined) {
      requirePercentage(violations, 'conf.responseBandwidth.percentage', responseBandwidth.percentage);
      if (!/^\d*\s?[gmk]?bps$/.test(responseBandwidth.limit ?? '')) {
        violations.add('conf.responseBandwidth.limit', 'has to be in format, e.g. 10kbps or 10 kbps');
      }
    }
  },
});
