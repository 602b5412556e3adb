// DataplaneInsight: what the control plane has seen of a proxy. Written by the control plane only.
import { type Static, Type } from 'typebox';
import { defineType } from '../define-type.ts';
import { anyObject, closed, optionalCount, optionalText, stringMap } from '../schema/shapes.ts';

/** Counters of one xDS service; 64 bits, hence text in JSON. */
const serviceStats = Type.Optional(
  closed({ responsesSent: optionalText, responsesAcknowledged: optionalText, responsesRejected: optionalText }),
);

/** Schema of one connection of a proxy to a control plane. */
export const discoverySubscription = closed({
  id: optionalText,
  controlPlaneInstanceId: optionalText,
  connectTime: optionalText,
  disconnectTime: optionalText,
  generation: optionalCount,
  status: Type.Optional(
    closed({
      lastUpdateTime: optionalText,
      total: serviceStats,
      cds: serviceStats,
      eds: serviceStats,
      lds: serviceStats,
      rds: serviceStats,
    }),
  ),
  version: Type.Optional(
    closed({
      kumaDp: Type.Optional(
        closed({
          version: optionalText,
          gitTag: optionalText,
          gitCommit: optionalText,
          buildDate: optionalText,
          kumaCpCompatible: Type.Optional(Type.Boolean()),
        }),
      ),
      envoy: Type.Optional(
        closed({ version: optionalText, build: optionalText, kumaDpCompatible: Type.Optional(Type.Boolean()) }),
      ),
      dependencies: Type.Optional(stringMap()),
    }),
  ),
});
/** One connection of a proxy to a control plane. Times are RFC 3339. */
export type DiscoverySubscription = Static<typeof discoverySubscription>;

const dataplaneInsightSpec = closed({
  subscriptions: Type.Optional(Type.Array(discoverySubscription)),
  mTLS: Type.Optional(
    closed({
      certificateExpirationTime: optionalText,
      lastCertificateRegeneration: optionalText,
      certificateRegenerations: optionalCount,
      issuedBackend: optionalText,
      supportedBackends: Type.Optional(Type.Array(Type.String())),
    }),
  ),
  /** What the proxy said of itself, as far as the interface shows it. */
  metadata: Type.Optional(anyObject),
});
/** Connections of a proxy, newest last, and its certificate. */
export type DataplaneInsightSpec = Static<typeof dataplaneInsightSpec>;

/** Resource type of what is known of a proxy. */
export const dataplaneInsight = defineType({
  name: 'DataplaneInsight',
  pathStyle: 'hyphenated',
  readOnly: true,
  includeInFederation: false,
  specForm: 'inline',
  spec: dataplaneInsightSpec,
  providedByGlobal: false,
});
