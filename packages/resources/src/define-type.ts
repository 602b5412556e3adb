// Makes a ResourceType from its name and its schema; everything that can be derived from the name is.
import { type TSchema, Type } from 'typebox';
import type { PolicyTraits, ResourceType } from './resource-type.ts';
import { type PathStyle, typeNames } from './type-names.ts';

/** What a definition must say; the rest has defaults that fit most types. */
export interface TypeDefinition {
  readonly name: string;
  readonly shortName?: string;
  readonly pathStyle?: PathStyle;
  /** Default 'Mesh'. */
  readonly scope?: 'Mesh' | 'Global';
  readonly readOnly?: boolean;
  /** Default true. */
  readonly includeInFederation?: boolean;
  readonly specForm: 'inline' | 'nested';
  readonly policy?: PolicyTraits;
  readonly spec: TSchema;
  readonly status?: TSchema;
  readonly normalize?: ResourceType['normalize'];
  readonly validate?: ResourceType['validate'];
  readonly warn?: ResourceType['warn'];
  /** Default true. */
  readonly providedByZone?: boolean;
  /** Default true. */
  readonly providedByGlobal?: boolean;
}

/** Traits of the policies from before `targetRef`. */
export const legacyPolicy: PolicyTraits = {
  isTargetRef: false,
  hasToTargetRef: false,
  hasFromTargetRef: false,
  hasRulesTargetRef: false,
  isFromAsRules: false,
};

/** A resource type, from its definition. */
export function defineType(definition: TypeDefinition): ResourceType {
  const { pathStyle, ...rest } = definition;
  const names = typeNames(definition.name, pathStyle);
  return {
    shortName: '',
    scope: 'Mesh',
    readOnly: false,
    includeInFederation: true,
    providedByZone: true,
    providedByGlobal: true,
    ...rest,
    path: names.path,
    singularDisplayName: names.singularDisplayName,
    pluralDisplayName: names.pluralDisplayName,
  };
}

/** Any object: for types whose content only the control plane writes. */
export const anyObject = Type.Record(Type.String(), Type.Unknown());
