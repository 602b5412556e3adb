// MeshService: a service within the mesh, as a destination with ports of its own.
import { type Static, Type } from 'typebox';
import { defineType } from '../define-type.ts';
import { parseProtocol, supportedProtocols } from '../protocols.ts';
import {
  closed,
  generatedAddress,
  hostnameGeneratorStatus,
  intOrString,
  labelSelector,
  oneOf,
  optionalText,
  stringMap,
} from '../schema/shapes.ts';
import { collectViolations, requirePort } from '../violations.ts';
import { portsGivenTwice } from './given-twice.ts';
import { requireNameLength, serviceNameWarnings } from './service-name.ts';

/** One port of a service. */
export const meshServicePort = closed({
  name: optionalText,
  port: Type.Integer({ format: 'int32' }),
  targetPort: Type.Optional(intOrString()),
  appProtocol: Type.Optional(Type.String({ default: 'tcp' })),
});
/** One port of a service; `targetPort` is a number or the name of an inbound. */
export type MeshServicePort = Static<typeof meshServicePort>;

const meshServiceSpec = closed({
  state: Type.Optional(Type.Enum(['Available', 'Unavailable'], { default: 'Unavailable' })),
  selector: Type.Optional(
    closed({
      dataplaneTags: Type.Optional(stringMap()),
      dataplaneRef: Type.Optional(closed({ name: optionalText })),
      dataplaneLabels: Type.Optional(labelSelector),
    }),
  ),
  ports: Type.Optional(Type.Array(meshServicePort)),
  identities: Type.Optional(Type.Array(closed({ type: oneOf('ServiceTag', 'SpiffeID'), value: Type.String() }))),
});
/** Which proxies stand behind a service, and its ports. */
export type MeshServiceSpec = Static<typeof meshServiceSpec>;

const meshServiceStatus = closed({
  addresses: Type.Optional(Type.Array(generatedAddress)),
  vips: Type.Optional(Type.Array(closed({ ip: optionalText }))),
  tls: Type.Optional(closed({ status: Type.Optional(oneOf('Ready', 'NotReady')) })),
  hostnameGenerators: Type.Optional(Type.Array(hostnameGeneratorStatus)),
  dataplaneProxies: Type.Optional(
    closed({
      connected: Type.Optional(Type.Integer()),
      healthy: Type.Optional(Type.Integer()),
      total: Type.Optional(Type.Integer()),
    }),
  ),
});
/** Virtual addresses, host names and numbers of proxies. */
export type MeshServiceStatus = Static<typeof meshServiceStatus>;

/** Resource type of services. */
export const meshService = defineType({
  name: 'MeshService',
  shortName: 'msvc',
  specForm: 'nested',
  includeInFederation: false,
  spec: meshServiceSpec,
  status: meshServiceStatus,
  emptyStatus: { tls: {}, dataplaneProxies: {} },
  providedByGlobal: false,
  validate(spec: MeshServiceSpec, context) {
    const violations = collectViolations();
    requireNameLength(violations, context);
    const { dataplaneTags, dataplaneRef, dataplaneLabels } = spec.selector ?? {};
    if ([dataplaneTags, dataplaneRef, dataplaneLabels].filter((selector) => selector !== undefined).length > 1) {
      violations.add('spec.selector', 'must specify only one of: dataplaneTags, dataplaneRef, or dataplaneLabels');
    }
    for (const [index, { port }] of (spec.ports ?? []).entries())
      requirePort(violations, `spec.ports[${index}].port`, port);
    return violations.all;
  },
  warn: (spec: MeshServiceSpec, context) => [
    ...serviceNameWarnings('MeshService', spec.ports ?? [], context),
    ...portsGivenTwice(spec.ports ?? []),
    ...withoutEffect(spec),
  ],
});

/** The peer takes these without a word, so they are taken here, too. */
function withoutEffect({ selector = {}, ports = [] }: MeshServiceSpec): readonly string[] {
  const { dataplaneTags, dataplaneRef, dataplaneLabels } = selector;
  const unknown = ports.flatMap(({ appProtocol = 'tcp' }, index) =>
    parseProtocol(appProtocol) === undefined
      ? [
          `spec.ports[${index}].appProtocol: "${appProtocol}" is no protocol, and is taken for tcp; there are ${supportedProtocols.join(', ')}`,
        ]
      : [],
  );
  return [
    ...((dataplaneTags ?? dataplaneRef ?? dataplaneLabels) === undefined
      ? ['spec.selector: it selects nobody; expected dataplaneTags, dataplaneRef or dataplaneLabels']
      : []),
    ...(ports.length === 0 ? ['spec.ports: it has none, so that nobody can call it'] : []),
    ...unknown,
  ];
}
