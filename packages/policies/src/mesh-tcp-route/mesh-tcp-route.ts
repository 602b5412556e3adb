// MeshTCPRoute: where TCP connections go.
import { defineRoutePolicy } from '@ursa/policy';
import { backendRef, closed } from '@ursa/resources';
import { type Static, Type } from 'typebox';
import { checkBackendRef } from '../conf/backend-ref.ts';
import { trafficRouteOfConnections } from './older-form.ts';

const services = ['MeshService', 'MeshExternalService', 'MeshMultiZoneService'] as const;

const rule = closed({ default: closed({ backendRefs: Type.Optional(Type.Array(backendRef)) }) });

/** The policy. */
export const meshTcpRoute = defineRoutePolicy({
  name: 'MeshTCPRoute',
  shortName: 'mtcpr',
  summary: 'Sends TCP connections to services, in shares.',
  targetRef: ['Mesh', 'Dataplane', 'MeshSubset', 'MeshGateway', 'MeshService', 'MeshServiceSubset'],
  to: ['Mesh', ...services],
  toKinds: ({ kind }) => (kind === 'MeshGateway' ? ['Mesh'] : services),
  entry: { rules: Type.Optional(Type.Array(rule, { maxItems: 1 })) },
  toConf: 'first rule',
  checkEntry({ rules = [] }, report) {
    for (const [index, { default: conf }] of rules.entries()) {
      const at = report.at(`rules[${index}].default.backendRefs`);
      const { backendRefs = [] } = conf;
      if (backendRefs.length === 0) at.add('', 'must be defined');
      for (const [position, ref] of backendRefs.entries()) checkBackendRef(ref, at.at(`[${position}]`));
    }
  },
  routing: {
    kind: 'tcp',
    older: trafficRouteOfConnections,
    trafficOf: (conf, origins) => ({
      backendRefs: (conf as Partial<Static<typeof rule>>).default?.backendRefs ?? [],
      origin: origins.at(-1),
    }),
  },
});
