// TrafficTrace (older form of MeshTrace).
import { type Static, Type } from 'typebox';
import { defineType, legacyPolicy } from '../define-type.ts';
import { closed, optionalText, tagSelector } from '../schema/shapes.ts';
import { checkSelectors } from '../tags.ts';
import { collectViolations } from '../violations.ts';

const spec = closed({
  selectors: Type.Optional(Type.Array(tagSelector)),
  conf: Type.Optional(closed({ backend: optionalText })),
});

/** Resource type of the older traces. */
export const trafficTrace = defineType({
  name: 'TrafficTrace',
  pathStyle: 'hyphenated',
  specForm: 'inline',
  policy: legacyPolicy,
  idle: { when: 'always', advice: 'use MeshTrace' },
  providedByZone: false,
  spec,
  validate({ selectors }: Static<typeof spec>) {
    const violations = collectViolations();
    checkSelectors(violations, 'selectors', selectors);
    return violations.all;
  },
});
