// ZoneIngress: the proxy through which other zones reach the services of this one.
import { type Static, Type } from 'typebox';
import { defineType } from '../define-type.ts';
import { closed, optionalCount, optionalFlag, optionalTags, optionalText } from '../schema/shapes.ts';
import { allowPort, collectViolations, requireAddress, requirePort } from '../violations.ts';

const zoneIngressSpec = closed({
  zone: optionalText,
  networking: Type.Optional(
    closed({
      address: optionalText,
      advertisedAddress: optionalText,
      port: optionalCount,
      advertisedPort: optionalCount,
      admin: Type.Optional(closed({ port: optionalCount })),
    }),
  ),
  availableServices: Type.Optional(
    Type.Array(
      closed({ tags: optionalTags, instances: optionalCount, mesh: optionalText, externalService: optionalFlag }),
    ),
  ),
});
/** Where an ingress proxy listens, and what it offers. */
export type ZoneIngressSpec = Static<typeof zoneIngressSpec>;

/** Resource type of ingress proxies. */
export const zoneIngress = defineType({
  name: 'ZoneIngress',
  shortName: 'zi',
  scope: 'Global',
  specForm: 'inline',
  includeInFederation: false,
  spec: zoneIngressSpec,
  providedByGlobal: false,
  validate({ networking }: ZoneIngressSpec) {
    const violations = collectViolations();
    if (networking?.admin?.port !== undefined && networking.admin.port === networking.port) {
      violations.add('networking.admin.port', 'must differ from port');
    }
    if (networking?.advertisedAddress === undefined && networking?.advertisedPort !== undefined) {
      violations.add('networking.advertisedAddress', 'has to be defined with advertisedPort');
    }
    if (networking?.advertisedPort === undefined && networking?.advertisedAddress !== undefined) {
      violations.add('networking.advertisedPort', 'has to be defined with advertisedAddress');
    }
    const { address, advertisedAddress } = networking ?? {};
    if (address !== undefined) requireAddress(violations, 'networking.address', address);
    if (advertisedAddress !== undefined) requireAddress(violations, 'networking.advertisedAddress', advertisedAddress);
    requirePort(violations, 'networking.port', networking?.port);
    allowPort(violations, 'networking.admin.port', networking?.admin?.port);
    if (networking?.advertisedPort !== undefined)
      requirePort(violations, 'networking.advertisedPort', networking.advertisedPort);
    return violations.all;
  },
});
