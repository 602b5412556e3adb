// ZoneEgress: the proxy through which traffic leaves a zone.
import { type Static, Type } from 'typebox';
import { defineType } from '../define-type.ts';
import { closed, optionalCount, optionalText } from '../schema/shapes.ts';
import { allowPort, collectViolations, requireAddress, requirePort } from '../violations.ts';

const zoneEgressSpec = closed({
  zone: optionalText,
  networking: Type.Optional(
    closed({ address: optionalText, port: optionalCount, admin: Type.Optional(closed({ port: optionalCount })) }),
  ),
});
/** Where an egress proxy listens. */
export type ZoneEgressSpec = Static<typeof zoneEgressSpec>;

/** Resource type of egress proxies. */
export const zoneEgress = defineType({
  name: 'ZoneEgress',
  shortName: 'ze',
  scope: 'Global',
  specForm: 'inline',
  includeInFederation: false,
  spec: zoneEgressSpec,
  providedByGlobal: false,
  validate({ networking }: ZoneEgressSpec) {
    const violations = collectViolations();
    if (networking?.admin?.port !== undefined && networking.admin.port === networking.port) {
      violations.add('networking.admin.port', 'must differ from port');
    }
    const { address } = networking ?? {};
    if (address !== undefined) requireAddress(violations, 'networking.address', address);
    requirePort(violations, 'networking.port', networking?.port);
    allowPort(violations, 'networking.admin.port', networking?.admin?.port);
    return violations.all;
  },
});
