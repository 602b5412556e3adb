// ProxyTemplate (older form of MeshProxyPatch).
import { type Static, Type } from 'typebox';
import { defineType, legacyPolicy } from '../define-type.ts';
import { closed, optionalTags, optionalText, tagSelector } from '../schema/shapes.ts';
import { checkSelectors } from '../tags.ts';
import { collectViolations } from '../violations.ts';

const named = { origin: optionalText, name: optionalText };
const listenerMatch = closed({ ...named, listenerName: optionalText, listenerTags: optionalTags });

/** A change of one kind of Envoy resource: where, what, and the YAML of it. */
const modification = (match: ReturnType<typeof closed>) =>
  Type.Optional(closed({ match: Type.Optional(match), operation: optionalText, value: optionalText }));

const spec = closed({
  selectors: Type.Optional(Type.Array(tagSelector)),
  conf: Type.Optional(
    closed({
      imports: Type.Optional(Type.Array(Type.String())),
      resources: Type.Optional(
        Type.Array(closed({ name: optionalText, version: optionalText, resource: optionalText })),
      ),
      modifications: Type.Optional(
        Type.Array(
          closed({
            cluster: modification(closed(named)),
            listener: modification(closed({ ...named, tags: optionalTags })),
            networkFilter: modification(listenerMatch),
            httpFilter: modification(listenerMatch),
            virtualHost: modification(closed({ ...named, routeConfigurationName: optionalText })),
          }),
        ),
      ),
    }),
  ),
});

const profiles = ['default-proxy', 'egress-proxy', 'gateway-proxy', 'ingress-proxy'];

/** Resource type of the older proxy patches. */
export const proxyTemplate = defineType({
  name: 'ProxyTemplate',
  specForm: 'inline',
  policy: legacyPolicy,
  idle: { when: 'always', advice: 'use MeshProxyPatch' },
  providedByZone: false,
  spec,
  validate({ selectors, conf }: Static<typeof spec>) {
    const violations = collectViolations();
    checkSelectors(violations, 'selectors', selectors, { atLeastOne: true, service: true });
    for (const [index, profile] of (conf?.imports ?? []).entries()) {
      if (!profiles.includes(profile)) {
        violations.add(`conf.imports[${index}]`, `profile not found. Available profiles: ${profiles.join(',')}`);
      }
    }
    return violations.all;
  },
});
