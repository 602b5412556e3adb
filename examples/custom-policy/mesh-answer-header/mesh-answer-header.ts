// MeshAnswerHeader: a header that a service's proxy adds to every answer, so that callers see who answered.
import { create } from '@bufbuild/protobuf';
import { HeaderValueOptionSchema } from '@ursa/envoy/gen/envoy/config/core/v3/base_pb.ts';
import { defineProxyPolicy, inboundMatches } from '@ursa/policy';
import { closed } from '@ursa/resources';
import { Type } from 'typebox';

/** The policy. */
export const meshAnswerHeader = defineProxyPolicy({
  name: 'MeshAnswerHeader',
  shortName: 'mah',
  summary: 'Adds a header to what a service answers.',
  targetRef: ['Mesh', 'Dataplane'],
  rules: inboundMatches,
  conf: closed({
    name: Type.Optional(Type.String({ pattern: '^[a-z][a-z0-9-]*$' })),
    value: Type.Optional(Type.String({ maxLength: 200 })),
  }),
  checkConf(conf, report) {
    if (conf.name?.startsWith('x-envoy-') === true)
      report.add('name', "names that start with 'x-envoy-' are Envoy's own");
  },
  apply: {
    inbound({ chains }, { name, value }) {
      if (name === undefined || value === undefined) return;
      for (const { terminal } of chains) {
        if (terminal.kind !== 'http') continue;
        for (const virtualHost of terminal.routes.virtualHosts) {
          virtualHost.responseHeadersToAdd.push(create(HeaderValueOptionSchema, { header: { key: name, value } }));
        }
      }
    },
  },
});
