// TrafficRoute (older form of MeshHTTPRoute and MeshTCPRoute).
import { type Static, Type } from 'typebox';
import { closed, optionalCount, optionalFlag, optionalTags, optionalText, wrappedCount } from '../schema/shapes.ts';
import { checkTags } from '../tags.ts';
import type { ViolationList } from '../violations.ts';
import { defineConnectionPolicy } from './connection-policy.ts';
import { checkBalancing, checkRequestChange, checkRequestMatch } from './traffic-route-rules.ts';

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
  idle: { when: 'exclusive', advice: 'use MeshHTTPRoute or MeshTCPRoute' },
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
      checkRequestMatch(violations, `${field}.match`, rule.match ?? {});
      checkRequestChange(violations, `${field}.modify`, rule.modify ?? {}, rule.match ?? {});
    }
    if (checked.loadBalancer !== undefined) checkBalancing(violations, 'conf.loadBalancer', checked.loadBalancer);
  },
});

/** Envoy adds weights up in 32 bits. */
const largestSum = 4_294_967_295;

function checkTarget(violations: ViolationList, field: string, target: Target): void {
  const hasSplit = target.split !== undefined;
  const hasDestination = target.destination !== undefined;
  if (!hasSplit && !hasDestination) violations.add(field, 'requires either "destination" or "split"');
  if (hasSplit && hasDestination) violations.add(field, '"split" cannot be defined at the same time as "destination"');
  const rules = { atLeastOne: true, service: true, wildcard: true };
  if (target.split?.length === 0) violations.add(`${field}.split`, 'must have at least one element');
  else if (target.split?.every(({ weight = 0 }) => weight === 0)) {
    violations.add(`${field}.split`, 'there must be at least one split entry with weight above 0');
  }
  const sum = (target.split ?? []).reduce((total, { weight = 0 }) => total + weight, 0);
  if (sum > largestSum) violations.add(`${field}.split`, `weights must not come to more than ${largestSum} together`);
  for (const [index, part] of (target.split ?? []).entries()) {
    if (part.weight === undefined) violations.add(`${field}.split[${index}].weight`, 'needs to be defined');
    checkTags(violations, `${field}.split[${index}].destination`, part.destination, rules);
  }
  if (hasDestination) checkTags(violations, `${field}.destination`, target.destination, rules);
}
