// Zone: one zone of a mesh of several.
import type { Static } from 'typebox';
import { defineType } from '../define-type.ts';
import { closed, wrappedFlag } from '../schema/shapes.ts';
import { dnsNameWarnings } from './service-name.ts';

const zoneSpec = closed({ enabled: wrappedFlag });
/** Whether a zone takes part; it does unless told not to. */
export type ZoneSpec = Static<typeof zoneSpec>;

/** Resource type of zones. */
export const zone = defineType({
  name: 'Zone',
  shortName: 'z',
  scope: 'Global',
  specForm: 'inline',
  includeInFederation: false,
  spec: zoneSpec,
  providedByZone: false,
  warn: (_spec: ZoneSpec, context) => dnsNameWarnings('Zone', context),
});
