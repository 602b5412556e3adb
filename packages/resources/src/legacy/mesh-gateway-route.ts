// MeshGatewayRoute (older form of routes on built-in gateways).
import { type Static, Type } from 'typebox';
import { defineType, legacyPolicy } from '../define-type.ts';
import { describeRegularExpressionError } from '../regular-expression.ts';
import {
  closed,
  oneOf,
  optionalCount,
  optionalTags,
  optionalText,
  tagSelector,
  wrappedFlag,
  wrappedNumber,
} from '../schema/shapes.ts';
import { checkSelectors } from '../tags.ts';
import { collectViolations, type ViolationList } from '../violations.ts';
import { httpMethod } from './http-method.ts';

const backend = closed({ weight: optionalCount, destination: optionalTags });
const backends = Type.Optional(Type.Array(backend));
const header = closed({ name: optionalText, value: optionalText });
const headerChanges = Type.Optional(
  closed({
    set: Type.Optional(Type.Array(header)),
    add: Type.Optional(Type.Array(header)),
    remove: Type.Optional(Type.Array(Type.String())),
  }),
);
const pathRewrite = { replaceFull: optionalText, replacePrefixMatch: optionalText };

const match = closed({
  path: Type.Optional(closed({ match: Type.Optional(oneOf('EXACT', 'PREFIX', 'REGEX')), value: optionalText })),
  method: Type.Optional(httpMethod),
  headers: Type.Optional(
    Type.Array(
      closed({
        match: Type.Optional(oneOf('EXACT', 'REGEX', 'ABSENT', 'PRESENT')),
        name: optionalText,
        value: optionalText,
      }),
    ),
  ),
  queryParameters: Type.Optional(
    Type.Array(closed({ match: Type.Optional(oneOf('EXACT', 'REGEX')), name: optionalText, value: optionalText })),
  ),
});

const filter = closed({
  requestHeader: headerChanges,
  responseHeader: headerChanges,
  mirror: Type.Optional(closed({ backend: Type.Optional(backend), percentage: wrappedNumber })),
  redirect: Type.Optional(
    closed({
      scheme: optionalText,
      hostname: optionalText,
      port: optionalCount,
      statusCode: optionalCount,
      path: Type.Optional(closed(pathRewrite)),
    }),
  ),
  rewrite: Type.Optional(closed({ ...pathRewrite, hostToBackendHostname: wrappedFlag })),
});

const httpRule = closed({
  matches: Type.Optional(Type.Array(match)),
  filters: Type.Optional(Type.Array(filter)),
  backends,
});

const meshGatewayRouteSpec = closed({
  selectors: Type.Optional(Type.Array(tagSelector)),
  conf: Type.Optional(
    closed({
      tcp: Type.Optional(closed({ rules: Type.Optional(Type.Array(closed({ backends }))) })),
      http: Type.Optional(
        closed({ hostnames: Type.Optional(Type.Array(Type.String())), rules: Type.Optional(Type.Array(httpRule)) }),
      ),
    }),
  ),
});
/** Routes for the listeners of built-in gateways. */
export type MeshGatewayRouteSpec = Static<typeof meshGatewayRouteSpec>;

/** Resource type of the older gateway routes. */
export const meshGatewayRoute = defineType({
  name: 'MeshGatewayRoute',
  specForm: 'inline',
  policy: legacyPolicy,
  idle: { when: 'always', advice: 'use MeshHTTPRoute or MeshTCPRoute' },
  providedByZone: false,
  spec: meshGatewayRouteSpec,
  validate({ selectors, conf }: MeshGatewayRouteSpec) {
    const violations = collectViolations();
    checkSelectors(violations, 'selectors', selectors, { atLeastOne: true, service: true });
    if (conf === undefined) violations.add('conf', 'cannot be empty');
    for (const [protocol, route] of Object.entries({ tcp: conf?.tcp, http: conf?.http })) {
      if (route !== undefined && (route.rules ?? []).length === 0)
        violations.add(`conf.${protocol}.rules`, 'cannot be empty');
    }
    for (const [index, rule] of (conf?.http?.rules ?? []).entries()) {
      if ((rule.matches ?? []).length === 0) violations.add(`conf.http.rules[${index}].matches`, 'cannot be empty');
      checkExpressions(violations, `conf.http.rules[${index}]`, rule.matches ?? []);
    }
    return violations.all;
  },
});

/** Every regular expression of a rule ends in Envoy. */
function checkExpressions(violations: ViolationList, field: string, matches: readonly Static<typeof match>[]): void {
  for (const [index, { path, headers = [], queryParameters = [] }] of matches.entries()) {
    const at = `${field}.matches[${index}]`;
    const parts = [
      { part: 'path', matcher: path },
      ...headers.map((matcher, position) => ({ part: `headers[${position}]`, matcher })),
      ...queryParameters.map((matcher, position) => ({ part: `queryParameters[${position}]`, matcher })),
    ];
    for (const { part, matcher } of parts) {
      const error = matcher?.match === 'REGEX' ? describeRegularExpressionError(matcher.value ?? '') : undefined;
      if (error !== undefined) violations.add(`${at}.${part}.value`, error);
    }
  }
}
