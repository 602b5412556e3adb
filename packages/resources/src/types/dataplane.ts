// Dataplane: one proxy beside one workload, with the ports it serves and the services it may call.
import { type Static, Type } from 'typebox';
import { defineType } from '../define-type.ts';
import { closed, oneOf, protoDuration, stringMap, uint32 } from '../schema/shapes.ts';

const serviceProbe = closed({
  interval: Type.Optional(protoDuration()),
  timeout: Type.Optional(protoDuration()),
  unhealthyThreshold: Type.Optional(uint32()),
  healthyThreshold: Type.Optional(uint32()),
  tcp: Type.Optional(closed({})),
});

/** One port that the workload serves. */
export const dataplaneInbound = closed({
  port: Type.Optional(uint32()),
  servicePort: Type.Optional(uint32()),
  serviceAddress: Type.Optional(Type.String()),
  address: Type.Optional(Type.String()),
  tags: Type.Optional(stringMap()),
  health: Type.Optional(closed({ ready: Type.Optional(Type.Boolean()) })),
  serviceProbe: Type.Optional(serviceProbe),
  state: Type.Optional(oneOf('Ready', 'NotReady', 'Ignored')),
  name: Type.Optional(Type.String()),
  protocol: Type.Optional(Type.String()),
});
export type DataplaneInbound = Static<typeof dataplaneInbound>;

/** One service that the workload calls, at an address of its own. */
export const dataplaneOutbound = closed({
  address: Type.Optional(Type.String()),
  port: Type.Optional(uint32()),
  tags: Type.Optional(stringMap()),
  backendRef: Type.Optional(
    closed({
      kind: Type.Optional(Type.String()),
      name: Type.Optional(Type.String()),
      port: Type.Optional(uint32()),
      labels: Type.Optional(stringMap()),
    }),
  ),
});
export type DataplaneOutbound = Static<typeof dataplaneOutbound>;

const reachableBackendRef = closed({
  kind: Type.Optional(Type.String()),
  name: Type.Optional(Type.String()),
  namespace: Type.Optional(Type.String()),
  port: Type.Optional(uint32()),
  labels: Type.Optional(stringMap()),
});

const transparentProxying = closed({
  redirectPortInbound: Type.Optional(uint32()),
  redirectPortOutbound: Type.Optional(uint32()),
  directAccessServices: Type.Optional(Type.Array(Type.String())),
  reachableServices: Type.Optional(Type.Array(Type.String())),
  ipFamilyMode: Type.Optional(oneOf('UnSpecified', 'DualStack', 'IPv4', 'IPv6')),
  reachableBackends: Type.Optional(closed({ refs: Type.Optional(Type.Array(reachableBackendRef)) })),
});

export const dataplaneSpec = closed({
  networking: Type.Optional(
    closed({
      address: Type.Optional(Type.String()),
      advertisedAddress: Type.Optional(Type.String()),
      gateway: Type.Optional(
        closed({ tags: Type.Optional(stringMap()), type: Type.Optional(oneOf('DELEGATED', 'BUILTIN')) }),
      ),
      inbound: Type.Optional(Type.Array(dataplaneInbound)),
      outbound: Type.Optional(Type.Array(dataplaneOutbound)),
      transparentProxying: Type.Optional(transparentProxying),
      admin: Type.Optional(closed({ port: Type.Optional(uint32()) })),
      listeners: Type.Optional(Type.Array(Type.Record(Type.String(), Type.Unknown()))),
    }),
  ),
  metrics: Type.Optional(
    closed({
      name: Type.Optional(Type.String()),
      type: Type.Optional(Type.String()),
      conf: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
    }),
  ),
  probes: Type.Optional(
    closed({
      port: Type.Optional(uint32()),
      endpoints: Type.Optional(
        Type.Array(
          closed({
            inboundPort: Type.Optional(uint32()),
            inboundPath: Type.Optional(Type.String()),
            path: Type.Optional(Type.String()),
          }),
        ),
      ),
    }),
  ),
  envoy: Type.Optional(closed({ xdsTransportProtocolVariant: Type.Optional(oneOf('GRPC', 'DELTA_GRPC')) })),
});
export type DataplaneSpec = Static<typeof dataplaneSpec>;

export const dataplane = defineType({
  name: 'Dataplane',
  shortName: 'dp',
  specForm: 'inline',
  includeInFederation: false,
  spec: dataplaneSpec,
  providedByGlobal: false,
});
