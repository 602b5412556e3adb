// MeshZoneAddress: where other zones reach the ingress of a mesh in this zone.
import { type Static, Type } from 'typebox';
import { defineType } from '../define-type.ts';
import { closed } from '../schema/shapes.ts';

const meshZoneAddressSpec = closed({
  address: Type.String({ minLength: 1 }),
  port: Type.Integer({ minimum: 1, maximum: 65535 }),
});
/** Address and port that other zones can reach. */
export type MeshZoneAddressSpec = Static<typeof meshZoneAddressSpec>;

/** Resource type of the addresses of zone ingresses. */
export const meshZoneAddress = defineType({
  name: 'MeshZoneAddress',
  shortName: 'mza',
  specForm: 'nested',
  includeInFederation: false,
  spec: meshZoneAddressSpec,
  idle: { when: 'not-yet', advice: 'there is one zone, which needs none' },
  providedByGlobal: false,
});
