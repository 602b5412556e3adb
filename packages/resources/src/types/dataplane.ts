// Dataplane: one proxy beside one workload, with the ports it serves and the services it may call.
import { type Static, Type } from 'typebox';
import { defineType } from '../define-type.ts';
import {
  anyObject,
  closed,
  oneOf,
  optionalCount,
  optionalFlag,
  optionalProtoDuration,
  optionalTags,
  optionalText,
  wrappedCount,
} from '../schema/shapes.ts';
import { validateDataplane, warnOfDataplane } from './dataplane-rules.ts';

const serviceProbe = closed({
  interval: optionalProtoDuration,
  timeout: optionalProtoDuration,
  unhealthyThreshold: wrappedCount,
  healthyThreshold: wrappedCount,
  tcp: Type.Optional(closed({})),
});

/** One port that the workload serves. */
export const dataplaneInbound = closed({
  port: optionalCount,
  servicePort: optionalCount,
  serviceAddress: optionalText,
  address: optionalText,
  tags: optionalTags,
  health: Type.Optional(closed({ ready: optionalFlag })),
  serviceProbe: Type.Optional(serviceProbe),
  state: Type.Optional(oneOf('Ready', 'NotReady', 'Ignored')),
  name: optionalText,
  protocol: optionalText,
});
/** One port that the workload serves. */
export type DataplaneInbound = Static<typeof dataplaneInbound>;

/** One service that the workload calls, at an address of its own. */
export const dataplaneOutbound = closed({
  address: optionalText,
  port: optionalCount,
  tags: optionalTags,
  backendRef: Type.Optional(
    closed({
      kind: optionalText,
      name: optionalText,
      port: optionalCount,
      labels: optionalTags,
    }),
  ),
});
/** One service that the workload calls. */
export type DataplaneOutbound = Static<typeof dataplaneOutbound>;

/** A listener by which a proxy serves as its mesh's zone ingress or egress. */
export const dataplaneListener = closed({
  type: Type.Optional(oneOf('Unspecified', 'ZoneIngress', 'ZoneEgress')),
  name: optionalText,
  address: optionalText,
  port: optionalCount,
  state: Type.Optional(oneOf('Ready', 'NotReady', 'Ignored')),
});
/** A listener by which a proxy serves as zone ingress or egress. */
export type DataplaneListener = Static<typeof dataplaneListener>;

const reachableBackendRef = closed({
  kind: optionalText,
  name: optionalText,
  namespace: optionalText,
  port: wrappedCount,
  labels: optionalTags,
});

const transparentProxying = closed({
  redirectPortInbound: optionalCount,
  redirectPortOutbound: optionalCount,
  directAccessServices: Type.Optional(Type.Array(Type.String())),
  reachableServices: Type.Optional(Type.Array(Type.String())),
  ipFamilyMode: Type.Optional(oneOf('UnSpecified', 'DualStack', 'IPv4', 'IPv6')),
  reachableBackends: Type.Optional(closed({ refs: Type.Optional(Type.Array(reachableBackendRef)) })),
});

const dataplaneSpec = closed({
  networking: Type.Optional(
    closed({
      address: optionalText,
      advertisedAddress: optionalText,
      gateway: Type.Optional(closed({ tags: optionalTags, type: Type.Optional(oneOf('DELEGATED', 'BUILTIN')) })),
      inbound: Type.Optional(Type.Array(dataplaneInbound)),
      outbound: Type.Optional(Type.Array(dataplaneOutbound)),
      transparentProxying: Type.Optional(transparentProxying),
      admin: Type.Optional(closed({ port: optionalCount })),
      listeners: Type.Optional(Type.Array(dataplaneListener)),
    }),
  ),
  metrics: Type.Optional(
    closed({
      name: optionalText,
      type: optionalText,
      conf: Type.Optional(anyObject),
    }),
  ),
  probes: Type.Optional(
    closed({
      port: optionalCount,
      endpoints: Type.Optional(
        Type.Array(
          closed({
            inboundPort: optionalCount,
            inboundPath: optionalText,
            path: optionalText,
          }),
        ),
      ),
    }),
  ),
  envoy: Type.Optional(closed({ xdsTransportProtocolVariant: Type.Optional(oneOf('GRPC', 'DELTA_GRPC')) })),
});
/** What a proxy serves and calls. Read it through the accessors, which know the defaults. */
export type DataplaneSpec = Static<typeof dataplaneSpec>;

/** Resource type of proxies beside workloads. */
export const dataplane = defineType({
  name: 'Dataplane',
  shortName: 'dp',
  specForm: 'inline',
  includeInFederation: false,
  spec: dataplaneSpec,
  providedByGlobal: false,
  validate: validateDataplane,
  warn: warnOfDataplane,
});
