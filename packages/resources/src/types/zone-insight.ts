// ZoneInsight, ZoneIngressInsight, ZoneEgressInsight: what the control plane has seen of zones and their proxies. Written by it only.
import { type Static, Type } from 'typebox';
import { defineType } from '../define-type.ts';
import { anyObject, closed, optionalCount, optionalText } from '../schema/shapes.ts';
import { discoverySubscription } from './dataplane-insight.ts';

/** One connection of a zone's control plane. */
const kdsSubscription = closed({
  id: optionalText,
  globalInstanceId: optionalText,
  zoneInstanceId: optionalText,
  connectTime: optionalText,
  disconnectTime: optionalText,
  generation: optionalCount,
  status: Type.Optional(anyObject),
  version: Type.Optional(anyObject),
  config: optionalText,
  authTokenProvided: Type.Optional(Type.Boolean()),
});

const zoneInsightSpec = closed({
  subscriptions: Type.Optional(Type.Array(kdsSubscription)),
  envoyAdminStreams: Type.Optional(anyObject),
  healthCheck: Type.Optional(closed({ time: optionalText })),
  kdsStreams: Type.Optional(anyObject),
});
/** Connections of a zone, newest last. */
export type ZoneInsightSpec = Static<typeof zoneInsightSpec>;

const zoneProxyInsightSpec = closed({
  subscriptions: Type.Optional(Type.Array(discoverySubscription)),
  metadata: Type.Optional(anyObject),
});
/** Connections of a zone proxy, newest last. */
export type ZoneProxyInsightSpec = Static<typeof zoneProxyInsightSpec>;

const insight = { scope: 'Global', readOnly: true, includeInFederation: false, specForm: 'inline' } as const;

/** Resource type of what the global control plane knows of a zone. */
export const zoneInsight = defineType({
  name: 'ZoneInsight',
  pathStyle: 'hyphenated',
  spec: zoneInsightSpec,
  providedByZone: false,
  ...insight,
});
/** Resource type of what is known of an ingress proxy. */
export const zoneIngressInsight = defineType({
  name: 'ZoneIngressInsight',
  pathStyle: 'hyphenated',
  spec: zoneProxyInsightSpec,
  providedByGlobal: false,
  ...insight,
});
/** Resource type of what is known of an egress proxy. */
export const zoneEgressInsight = defineType({
  name: 'ZoneEgressInsight',
  spec: zoneProxyInsightSpec,
  providedByGlobal: false,
  ...insight,
});
