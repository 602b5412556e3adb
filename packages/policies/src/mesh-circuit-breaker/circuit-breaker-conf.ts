// What a MeshCircuitBreaker can say.
import { closed, duration, intOrString, uint32 } from '@ursa/resources';
import { type Static, Type } from 'typebox';

const connectionLimits = closed({
  maxConnections: Type.Optional(uint32()),
  maxConnectionPools: Type.Optional(uint32()),
  maxPendingRequests: Type.Optional(uint32()),
  maxRetries: Type.Optional(uint32()),
  maxRequests: Type.Optional(uint32()),
});

const consecutive = closed({ consecutive: Type.Optional(uint32()) });

const detectors = closed({
  totalFailures: Type.Optional(consecutive),
  gatewayFailures: Type.Optional(consecutive),
  localOriginFailures: Type.Optional(consecutive),
  successRate: Type.Optional(
    closed({
      minimumHosts: Type.Optional(uint32()),
      requestVolume: Type.Optional(uint32()),
      standardDeviationFactor: Type.Optional(intOrString()),
    }),
  ),
  failurePercentage: Type.Optional(
    closed({
      minimumHosts: Type.Optional(uint32()),
      requestVolume: Type.Optional(uint32()),
      threshold: Type.Optional(uint32()),
    }),
  ),
});

const outlierDetection = closed({
  disabled: Type.Optional(Type.Boolean({ description: 'Switches off what wider policies say.' })),
  interval: Type.Optional(duration('Time between looks at the instances. Default 10s.')),
  baseEjectionTime: Type.Optional(duration('How long an instance is left out; longer each time. Default 30s.')),
  maxEjectionPercent: Type.Optional(uint32()),
  splitExternalAndLocalErrors: Type.Optional(
    Type.Boolean({ description: 'Counts failures to reach an instance apart from failures it answers with.' }),
  ),
  detectors: Type.Optional(detectors),
  healthyPanicThreshold: Type.Optional(intOrString()),
});

/** Conf of the policy. */
export const circuitBreakerConf = closed({
  connectionLimits: Type.Optional(connectionLimits),
  outlierDetection: Type.Optional(outlierDetection),
});

export type CircuitBreakerConf = Static<typeof circuitBreakerConf>;
export type ConnectionLimits = Static<typeof connectionLimits>;
export type OutlierDetectionConf = Static<typeof outlierDetection>;
