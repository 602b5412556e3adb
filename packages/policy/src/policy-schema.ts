// Shape of a policy's spec, made from its definition.
import { closed, oneOf, targetRef } from '@ursa/resources';
import { type TSchema, Type } from 'typebox';

/** What the schema is made of. */
export interface SchemaParts {
  readonly to: boolean;
  readonly from: boolean;
  readonly rules: 'none' | 'all' | 'clients';
  readonly conf: TSchema;
  readonly ruleConf: TSchema;
}

/** `spiffeID` of a match. */
export const spiffeIdMatch = closed({ type: oneOf('Exact', 'Prefix'), value: Type.String() });

/** `sni` of a match. */
export const sniMatch = closed({ type: oneOf('Exact'), value: Type.String() });

/** One of the `matches` of a rule, or of a list of clients. */
export const inboundMatch = closed({ spiffeID: Type.Optional(spiffeIdMatch), sni: Type.Optional(sniMatch) });

/** Schema of the spec of a policy whose confs stand in `default`. */
export function policySchema({ to, from, rules, conf, ruleConf }: SchemaParts): TSchema {
  const entry = closed({ targetRef, default: Type.Optional(conf) });
  const matches = rules === 'clients' ? { matches: Type.Optional(Type.Array(inboundMatch)) } : {};
  const lists = {
    ...(from ? { from: Type.Optional(Type.Array(entry)) } : {}),
    ...(rules === 'none'
      ? {}
      : { rules: Type.Optional(Type.Array(closed({ ...matches, default: Type.Optional(ruleConf) }))) }),
    ...(to ? { to: Type.Optional(Type.Array(entry)) } : {}),
  };
  const single = Object.keys(lists).length === 0 ? { default: Type.Optional(conf) } : {};
  return closed({ ...single, ...lists, targetRef: Type.Optional(targetRef) });
}
