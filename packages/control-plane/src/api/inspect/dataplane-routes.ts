// Inspection of one data plane: _rules, _policies, _routes, _layout, and the older `policies` and `rules`.
import type { DataplaneFacts } from '@ursa/engine';
import type { DestinationId } from '@ursa/policy';
import { formatResource, type Resource } from '@ursa/resources';
import { badRequest, Failure } from '../http/failure.ts';
import { formatJson } from '../http/json-text.ts';
import type { Answer, Call, Route } from '../http/route.ts';
import { parseKriParameter } from '../resources/kri-routes.ts';
import type { ResourceReader } from '../resources/reader.ts';
import { layoutSchema, legacySchema, policiesSchema, routesSchema, rulesSchema } from './inspect-schemas.ts';
import { formatLayout, type IdentityPlace } from './layout-view.ts';
import { isExclusive } from './mesh-mode.ts';
import { formatOlderRules } from './older-rules-view.ts';
import { formatInboundPolicies, formatOutboundPolicies, formatProxyPolicies, formatRoutes } from './policies-view.ts';
import type { ProxyInspector } from './proxy-inspector.ts';
import { formatRules } from './rules-view.ts';

/** A data plane that is looked into. */
interface Inspected {
  readonly dataplane: Resource;
  readonly facts: DataplaneFacts;
  readonly exclusive: boolean;
}

type Look = (inspected: Inspected, call: Call) => unknown;

/** The endpoints. */
export function dataplaneRoutes(
  reader: ResourceReader,
  inspector: ProxyInspector,
  place: IdentityPlace,
): readonly Route[] {
  const { types } = reader;
  const rulesOf = ({ dataplane }: Inspected) => inspector.rulesOf(dataplane);
  const destinationOf = (call: Call) => readDestination(reader, call.params.outbound_kri ?? '');
  const route = (path: string, summary: string, schema: Route['answers'][number], look: Look): Route => ({
    method: 'GET',
    path: `/meshes/{mesh}/dataplanes/{name}/${path}`,
    tag: 'Inspection',
    summary,
    answers: { 200: schema },
    handle: (call): Answer => ({ status: 200, body: formatJson(look(inspect(reader, inspector, call), call)) }),
  });
  return [
    route('_rules', 'The merged rules of a data plane', rulesSchema, (inspected) =>
      formatRules(inspected.dataplane, inspected.facts, rulesOf(inspected), inspected.exclusive),
    ),
    route('_layout', 'What a data plane serves and can call', layoutSchema, (inspected) => {
      requireExclusive(inspected, '_layout');
      return formatLayout(reader, inspected.dataplane, inspected.facts, place);
    }),
    route('_policies', 'Policies of the proxy as a whole', policiesSchema, (inspected) => {
      requireExclusive(inspected, '_policies');
      return formatProxyPolicies(types, rulesOf(inspected));
    }),
    route('_inbounds/{inbound_kri}/_policies', 'Policies of one inbound', policiesSchema, (inspected, call) => {
      const { section } = parseKriParameter(types, call.params.inbound_kri ?? '');
      return formatInboundPolicies(types, rulesOf(inspected), inboundPosition(inspected, section));
    }),
    route('_outbounds/{outbound_kri}/_policies', 'Policies of one outbound', policiesSchema, (inspected, call) =>
      formatOutboundPolicies(types, rulesOf(inspected), destinationOf(call)),
    ),
    route('_outbounds/{outbound_kri}/_routes', 'Routes of one outbound', routesSchema, (inspected, call) =>
      formatRoutes(types, rulesOf(inspected), destinationOf(call)),
    ),
    route(
      '_outbounds/{outbound_kri}/_routes/{route_kri}/_policies',
      'Policies of one route',
      policiesSchema,
      (inspected, call) => {
        const destination = destinationOf(call);
        const policy = readDestination(reader, call.params.route_kri ?? '');
        return formatOutboundPolicies(types, rulesOf(inspected), destination, policy);
      },
    ),
    route('policies', 'Policies that apply to a data plane (older form)', legacySchema, (inspected) =>
      formatMatchedPolicies(reader, inspector, inspected),
    ),
    route('rules', 'The merged rules of a data plane by tags (older form)', legacySchema, (inspected) =>
      formatOlderRules(inspected.facts, rulesOf(inspected)),
    ),
  ];
}

function inspect(reader: ResourceReader, inspector: ProxyInspector, call: Call): Inspected {
  const { mesh = '', name = '' } = call.params;
  reader.requireMesh(mesh);
  const dataplane = reader.get('Dataplane', mesh, name, 'Could not retrieve Dataplane');
  return { dataplane, facts: inspector.factsOf(dataplane), exclusive: isExclusive(reader, mesh) };
}

function requireExclusive({ exclusive }: Inspected, endpoint: string): void {
  if (!exclusive) throw badRequest(`can't use ${endpoint} endpoint without meshService enabled`);
}

function readDestination(reader: ResourceReader, text: string): DestinationId {
  const { type, mesh, section } = parseKriParameter(reader.types, text);
  const [, , , zone = '', namespace = '', name = ''] = text.split('_');
  return { type, mesh, zone, namespace, name, sectionName: section };
}

function inboundPosition({ facts }: Inspected, section: string): number {
  const position = facts.inbounds.findIndex(
    (inbound) => inbound.section === section || String(inbound.port) === section,
  );
  if (position < 0)
    throw new Failure(
      404,
      'Could not retrieve inbound',
      `the data plane has no inbound ${JSON.stringify(section.slice(0, 100))}`,
    );
  return position;
}

function formatMatchedPolicies(
  reader: ResourceReader,
  inspector: ProxyInspector,
  { dataplane, facts }: Inspected,
): unknown {
  const matched = [...inspector.matchedBy(dataplane)].map(([type, heads]) => {
    return [type, heads.map(({ resource }) => formatEnvelope(reader, resource))] as const;
  });
  const items = matched.length === 0 ? [] : [{ matchedPolicies: Object.fromEntries(matched), type: 'dataplane' }];
  return { items, kind: kindOf(facts), total: items.length };
}

/** How older answers call the kind of a data plane. */
export function kindOf(facts: DataplaneFacts): string {
  return facts.gateway?.kind === 'builtin' ? 'MeshGatewayDataplane' : 'SidecarDataplane';
}

function formatEnvelope(reader: ResourceReader, resource: Resource): unknown {
  const type = reader.types.byName(resource.type);
  if (type === undefined) return { type: resource.type, mesh: resource.mesh, name: resource.name };
  const { spec: _spec, status: _status, snis: _snis, ...envelope } = formatResource(type, resource);
  return envelope;
}
