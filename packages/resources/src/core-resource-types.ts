// Every resource type that is not a `targetRef` policy (those bring themselves, see packages/policies).
import { anyObject, defineType, legacyPolicy, type TypeDefinition } from './define-type.ts';
import type { ResourceType } from './resource-type.ts';
import { dataplane } from './types/dataplane.ts';
import { mesh } from './types/mesh.ts';

type Short = Omit<TypeDefinition, 'name' | 'spec' | 'specForm'>;
const inline = (name: string, rest: Short = {}): ResourceType =>
  defineType({ name, specForm: 'inline', spec: anyObject, ...rest });
const nested = (name: string, shortName: string, rest: Short = {}): ResourceType =>
  defineType({ name, shortName, specForm: 'nested', spec: anyObject, status: anyObject, ...rest });
const hyphenated = { pathStyle: 'hyphenated' } as const;
const legacy = { ...hyphenated, policy: legacyPolicy, providedByZone: false };
const insight = { readOnly: true, includeInFederation: false };

/** All types but the `targetRef` policies, in the order of reference s2. */
export const coreResourceTypes: readonly ResourceType[] = [
  inline('CircuitBreaker', legacy),
  dataplane,
  inline('DataplaneInsight', { ...hyphenated, ...insight, providedByGlobal: false }),
  inline('ExternalService', { ...hyphenated, providedByZone: false }),
  inline('FaultInjection', legacy),
  inline('GlobalSecret', { scope: 'Global' }),
  inline('HealthCheck', legacy),
  nested('HostnameGenerator', 'hg', { scope: 'Global' }),
  mesh,
  nested('MeshExternalService', 'extsvc'),
  inline('MeshGateway', { shortName: 'mgw' }),
  inline('MeshGatewayRoute', { policy: legacyPolicy, providedByZone: false }),
  nested('MeshIdentity', 'mid'),
  inline('MeshInsight', { ...hyphenated, ...insight, scope: 'Global' }),
  nested('MeshMultiZoneService', 'mzsvc', { providedByZone: false }),
  nested('MeshOpenTelemetryBackend', 'motb'),
  nested('MeshService', 'msvc', { includeInFederation: false }),
  nested('MeshTrust', 'mtrust'),
  nested('MeshZoneAddress', 'mza', { includeInFederation: false }),
  inline('ProxyTemplate', { policy: legacyPolicy, providedByZone: false }),
  inline('RateLimit', legacy),
  inline('Retry', legacy),
  inline('Secret', {}),
  inline('ServiceInsight', { ...hyphenated, ...insight }),
  inline('Timeout', legacy),
  inline('TrafficLog', legacy),
  inline('TrafficPermission', legacy),
  inline('TrafficRoute', legacy),
  inline('TrafficTrace', legacy),
  inline('VirtualOutbound', legacy),
  nested('Workload', 'wl', { includeInFederation: false }),
  inline('Zone', { shortName: 'z', scope: 'Global', includeInFederation: false }),
  inline('ZoneEgress', { shortName: 'ze', scope: 'Global', includeInFederation: false }),
  inline('ZoneEgressInsight', { ...insight, scope: 'Global' }),
  inline('ZoneIngress', { shortName: 'zi', scope: 'Global', includeInFederation: false }),
  inline('ZoneIngressInsight', { ...hyphenated, ...insight, scope: 'Global' }),
  inline('ZoneInsight', { ...hyphenated, ...insight, scope: 'Global' }),
];
