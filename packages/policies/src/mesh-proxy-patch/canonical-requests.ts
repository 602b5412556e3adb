// What decides by path must see the path that the application will see. Where a patch makes an inbound decide so, requests are brought into one form
// first, or refused: `/public/..//%61dmin` would pass a rule about `/admin`, and reach it.
import { create, fromBinary, type JsonValue, toJson } from '@bufbuild/protobuf';
import { registry } from '@ursa/envoy';
import {
  HttpProtocolOptionsSchema,
  HttpProtocolOptions_HeadersWithUnderscoresAction as UnderscoresAction,
} from '@ursa/envoy/gen/envoy/config/core/v3/protocol_pb.ts';
import type { Listener } from '@ursa/envoy/gen/envoy/config/listener/v3/listener_pb.ts';
import { RBACSchema } from '@ursa/envoy/gen/envoy/extensions/filters/http/rbac/v3/rbac_pb.ts';
import {
  HttpConnectionManager_PathWithEscapedSlashesAction as EscapedSlashesAction,
  type HttpConnectionManager,
  type HttpFilter,
} from '@ursa/envoy/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts';
import { eachManager } from './modify-filters.ts';

/** They decide by whatever their service looks at. */
const foreignDeciders: readonly string[] = [
  'envoy.extensions.filters.http.ext_authz.v3.ExtAuthz',
  'envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication',
];

/** What a filter looks at. */
interface Regard {
  readonly paths: boolean;
  readonly headers: boolean;
}

/** Brings the requests of an inbound that decides by them into one form. What the user's patch has set itself stays. False when nothing does. */
export function canonicalizeRequests(listener: Listener): boolean {
  let decides = false;
  eachManager(listener, (manager) => {
    const regards = manager.httpFilters.map(regardOf);
    const [paths, headers] = [regards.some((regard) => regard.paths), regards.some((regard) => regard.headers)];
    if (paths) canonicalizePaths(manager);
    if (headers) refuseUnderscores(manager);
    decides ||= paths || headers;
  });
  return decides;
}

function canonicalizePaths(manager: HttpConnectionManager): void {
  if (manager.normalizePath === undefined) {
    manager.normalizePath = true;
    manager.mergeSlashes = true;
  }
  if (manager.pathWithEscapedSlashesAction === EscapedSlashesAction.IMPLEMENTATION_SPECIFIC_DEFAULT)
    manager.pathWithEscapedSlashesAction = EscapedSlashesAction.REJECT_REQUEST;
}

// Many applications take `x_role` for `x-role`.
function refuseUnderscores(manager: HttpConnectionManager): void {
  manager.commonHttpProtocolOptions ??= create(HttpProtocolOptionsSchema);
  const options = manager.commonHttpProtocolOptions;
  if (options.headersWithUnderscoresAction === UnderscoresAction.ALLOW)
    options.headersWithUnderscoresAction = UnderscoresAction.REJECT_REQUEST;
}

function regardOf({ configType }: HttpFilter): Regard {
  if (configType.case !== 'typedConfig') return { paths: false, headers: false };
  const { typeUrl, value } = configType.value;
  const type = typeUrl.slice(typeUrl.lastIndexOf('/') + 1);
  if (foreignDeciders.includes(type)) return { paths: true, headers: true };
  if (type !== RBACSchema.typeName) return { paths: false, headers: false };
  const regarded = regardedIn(toJson(RBACSchema, fromBinary(RBACSchema, value), { registry }));
  return { paths: regarded.includes(pathHeader), headers: regarded.some((name) => !name.startsWith(':')) };
}

const pathHeader = ':path';

/** Names of the headers that rules look at, `:path` for the path. */
function regardedIn(value: JsonValue): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) return value.flatMap(regardedIn);
  return Object.entries(value).flatMap(([key, inner]) => {
    if (key === 'urlPath') return [pathHeader];
    if (key === 'header' && typeof inner === 'object' && inner !== null && 'name' in inner) return [String(inner.name)];
    return regardedIn(inner);
  });
}
