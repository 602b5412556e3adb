// Telling clients apart by their certificate and by the server name they asked for: predicates of Envoy's matchers. Filters for some clients
// only and authorization by rules stand on it.
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { ServerNameInputSchema } from '../gen/envoy/extensions/matching/common_inputs/network/v3/network_inputs_pb.ts';
import { UriSanInputSchema } from '../gen/envoy/extensions/matching/common_inputs/ssl/v3/ssl_inputs_pb.ts';
import type { Matcher_MatcherList_PredicateSchema } from '../gen/xds/type/matcher/v3/matcher_pb.ts';
import { pack } from './messages.ts';
import { once } from './once.ts';

/** Some of the clients: by the SPIFFE ID in their certificate, by the server name they asked for, or both. */
export interface ClientCondition {
  readonly spiffeID?: { readonly type: 'Exact' | 'Prefix'; readonly value: string };
  readonly sni?: { readonly value: string };
}

/** What Envoy's matchers ask of a connection. */
export type ClientPredicate = MessageInitShape<typeof Matcher_MatcherList_PredicateSchema>;

const uriSan = once(() => ({
  name: 'envoy.matching.inputs.uri_san',
  typedConfig: pack(UriSanInputSchema, create(UriSanInputSchema)),
}));
const serverName = once(() => ({
  name: 'envoy.matching.inputs.server_name',
  typedConfig: pack(ServerNameInputSchema, create(ServerNameInputSchema)),
}));

function compare(
  input: ReturnType<typeof uriSan>,
  how: 'exact' | 'prefix' | 'contains',
  value: string,
): ClientPredicate {
  const matcher = { case: 'valueMatch' as const, value: { matchPattern: { case: how, value } } };
  return { matchType: { case: 'singlePredicate', value: { input, matcher } } };
}

/** Several predicates as one; undefined for none. */
export function combinePredicates(
  how: 'orMatcher' | 'andMatcher',
  predicates: ClientPredicate[],
): ClientPredicate | undefined {
  if (predicates.length <= 1) return predicates[0];
  return { matchType: { case: how, value: { predicate: predicates } } };
}

/** True for the clients of the condition; undefined when it names nothing. `mesh` is the mesh of the proxy that decides. */
export function clientPredicate({ spiffeID, sni }: ClientCondition, mesh: string): ClientPredicate | undefined {
  const predicates: ClientPredicate[] = [];
  if (spiffeID !== undefined) predicates.push(identityPredicate(spiffeID, mesh));
  if (sni !== undefined) predicates.push(compare(serverName(), 'exact', sni.value));
  return combinePredicates('andMatcher', predicates);
}

// Certificates of a mesh's own authority name `spiffe://<mesh>/<service>` first, for each service of the proxy, and its tags behind them. Envoy
// matches all names of a certificate as one text, joined by commas. Neither kind of name has a comma (SPIFFE ID, section 2).
function identityPredicate({ type, value }: NonNullable<ClientCondition['spiffeID']>, mesh: string): ClientPredicate {
  const whole = compare(uriSan(), type === 'Exact' ? 'exact' : 'prefix', value);
  const authority = `spiffe://${mesh}/`;
  // The prefix of the whole authority is found at the start of the first name.
  if (!value.startsWith(authority) || value === authority) return whole;
  const others =
    type === 'Exact'
      ? [compare(uriSan(), 'prefix', `${value},`), compare(uriSan(), 'contains', `,${value},`)]
      : [compare(uriSan(), 'contains', `,${value}`)];
  return combinePredicates('orMatcher', [whole, ...others]) ?? whole;
}

/** What `clientPredicate` will say of a client with these names in its certificate: the same comparisons, made here. */
export function clientFits(
  { spiffeID, sni }: ClientCondition,
  mesh: string,
  client: { readonly uris: readonly string[]; readonly sni: string },
): boolean {
  if (spiffeID === undefined && sni === undefined) return false;
  return (
    (spiffeID === undefined || identityFits(spiffeID, mesh, client.uris.join(','))) &&
    (sni === undefined || sni.value === client.sni)
  );
}

function identityFits({ type, value }: NonNullable<ClientCondition['spiffeID']>, mesh: string, uris: string): boolean {
  const whole = type === 'Exact' ? uris === value : uris.startsWith(value);
  const authority = `spiffe://${mesh}/`;
  if (whole || !value.startsWith(authority) || value === authority) return whole;
  return type === 'Exact' ? uris.startsWith(`${value},`) || uris.includes(`,${value},`) : uris.includes(`,${value}`);
}
