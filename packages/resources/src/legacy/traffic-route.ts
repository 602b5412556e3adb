// TrafficRoute (older form of MeshHTTPRoute and MeshTCPRoute).
import { type Static, Type } from 'typebox';
import { describeRegularExpressionError } from '../regular-expression.ts';
import { closed, optionalCount, optionalFlag, optionalTags, optionalText, wrappedCount } from '../schema/shapes.ts';
import { checkTags } from '../tags.ts';
import type { ViolationList } from '../violations.ts';
import { defineConnectionPolicy } from './connection-policy.ts';

const split = closed({ weight: wrappedCount, destination: optionalTags });
const matcher = closed({ prefix: optionalText, exact: optionalText, regex: optionalText });
const regexReplace = closed({ pattern: optionalText, substitution: optionalText });
const empty = Type.Optional(closed({}));
const headers = Type.Optional(
  closed({
    add: Type.Optional(Type.Array(closed({ name: optionalText, value: optionalText, append: optionalFlag }))),
    remove: Type.Optional(Type.Array(closed({ name: optionalText }))),
  }),
);

const http = closed({
  match: Type.Optional(
    closed({
      method: Type.Optional(matcher),
      path: Type.Optional(matcher),
      headers: Type.Optional(Type.Record(Type.String(), matcher)),
    }),
  ),
  modify: Type.Optional(
    closed({
      path: Type.Optional(closed({ rewritePrefix: optionalText, regex: Type.Optional(regexReplace) })),
      host: Type.Optional(closed({ value: optionalText, fromPath: Type.Optional(regexReplace) })),
      requestHeaders: headers,
      responseHeaders: headers,
    }),
  ),
  split: Type.Optional(Type.Array(split)),
  destination: optionalTags,
});

const conf = closed({
  split: Type.Optional(Type.Array(split)),
  loadBalancer: Type.Optional(
    closed({
      roundRobin: empty,
      leastRequest: Type.Optional(closed({ choiceCount: optionalCount })),
      ringHash: Type.Optional(
        closed({ hashFunction: optionalText, minRingSize: optionalCount, maxRingSize: optionalCount }),
      ),
      random: empty,
      maglev: empty,
    }),
  ),
  destination: optionalTags,
  http: Type.Optional(Type.Array(http)),
});

interface Target {
  readonly split?: readonly Static<typeof split>[];
  readonly destination?: Readonly<Record<string, string>>;
}

/** Resource type of the older routes. */
export const trafficRoute = defineConnectionPolicy<Static<typeof conf>>({
  name: 'TrafficRoute',
  idle: { when: 'always', advice: 'use MeshHTTPRoute or MeshTCPRoute' },
  conf,
  check(checked, violations) {
    checkTarget(violations, 'conf', checked);
    for (const [index, rule] of (checked.http ?? []).entries()) {
      const field = `conf.http[${index}]`;
      if (Object.keys(rule.match ?? {}).length === 0)
        violations.add(
          `${field}.match`,
          'must be present and contain at least 1 of the elements: "method", "path" or "headers"',
        );
      checkTarget(violations, field, rule);
      checkExpressions(violations, field, rule);
    }
  },
});

/** Every regular expression of a rule ends in Envoy. */
function checkExpressions(violations: ViolationList, field: string, { match, modify }: Static<typeof http>): void {
  const headers = Object.entries(match?.headers ?? {}).map(([name, { regex }]) => [
    `match.headers[${name}].regex`,
    regex,
  ]);
  const expressions = [
    ['match.method.regex', match?.method?.regex],
    ['match.path.regex', match?.path?.regex],
    ...headers,
    ['modify.path.regex.pattern', modify?.path?.regex?.pattern],
    ['modify.host.fromPath.pattern', modify?.host?.fromPath?.pattern],
  ];
  for (const [part, expression] of expressions) {
    const error = expression === undefined ? undefined : describeRegularExpressionError(expression);
    if (error !== undefined) violations.add(`${field}.${part}`, error);
  }
}

function checkTarget(violations: ViolationList, field: string, target: Target): void {
  const hasSplit = target.split !== undefined;
  const hasDestination = target.destination !== undefined;
  if (!hasSplit && !hasDestination) violations.add(field, 'requires either "destination" or "split"');
  if (hasSplit && hasDestination) violations.add(field, '"split" cannot be defined at the same time as "destination"');
  const rules = { atLeastOne: true, service: true, wildcard: true };
  for (const [index, part] of (target.split ?? []).entries()) {
    if (part.weight === undefined) violations.add(`${field}.split[${index}].weight`, 'needs to be defined');
    checkTags(violations, `${field}.split[${index}].destination`, part.destination, rules);
  }
  if (hasDestination) checkTags(violations, `${field}.destination`, target.destination, rules);
}
