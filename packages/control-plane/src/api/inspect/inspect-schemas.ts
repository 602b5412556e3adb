// Shapes of what inspection answers, for the description.
import { type TSchema, Type } from 'typebox';

const meta = Type.Object({
  labels: Type.Record(Type.String(), Type.String()),
  mesh: Type.String(),
  name: Type.String(),
  type: Type.String(),
});
const origin = Type.Object({ kri: Type.String() });
const list = Type.Array(Type.Object({}));

/** `_rules` */
export const rulesSchema: TSchema = Type.Object({
  httpMatches: Type.Array(Type.Object({ hash: Type.String(), match: Type.Array(Type.Object({})) })),
  resource: meta,
  rules: Type.Array(
    Type.Object({
      type: Type.String(),
      fromRules: list,
      inboundRules: list,
      proxyRule: Type.Optional(Type.Object({ conf: Type.Unknown(), origin: Type.Array(meta) })),
      toResourceRules: list,
      toRules: list,
      warnings: Type.Array(Type.String()),
    }),
  ),
});

/** `_policies` of a proxy, an inbound, an outbound or a route. */
export const policiesSchema: TSchema = Type.Object(
  {
    policies: Type.Array(Type.Object({ kind: Type.String(), origins: Type.Array(origin) })),
  },
  { title: 'Policies' },
);

/** `_routes` */
export const routesSchema: TSchema = Type.Object({
  routes: Type.Array(Type.Object({ kind: Type.String(), origins: Type.Array(origin), rules: list })),
});

const port = Type.Object({ kri: Type.String(), port: Type.Integer(), proxyResourceName: Type.String() });

/** `_layout` */
export const layoutSchema: TSchema = Type.Object({
  kri: Type.String(),
  labels: Type.Record(Type.String(), Type.String()),
  spiffeId: Type.Optional(Type.String()),
  inbounds: Type.Array(port),
  listeners: Type.Array(port),
  outbounds: Type.Array(port),
});

/** Lists of data planes that something concerns; without a `next` on the last page. */
export const matchingSchema: TSchema = Type.Object(
  {
    total: Type.Integer(),
    items: Type.Array(meta),
    next: Type.Optional(Type.String()),
  },
  { title: 'MatchingDataplanes' },
);

/** Older lists of data planes and of policies. */
export const legacySchema: TSchema = Type.Object({ total: Type.Integer(), items: list }, { title: 'OlderInspection' });
