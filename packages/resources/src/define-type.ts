// Makes a ResourceType from its name and its schema; everything that can be derived from the name is.
import type { PolicyTraits, ResourceType } from './resource-type.ts';
import { type PathStyle, typeNames } from './type-names.ts';

/** What a definition must say; the rest follows from the name, or has a default that fits most types. */
export type TypeDefinition = Pick<ResourceType, 'name' | 'specForm' | 'spec'> &
  Partial<Omit<ResourceType, 'path' | 'singularDisplayName' | 'pluralDisplayName'>> & {
    readonly pathStyle?: PathStyle;
  };

/** Traits of the policies from before `targetRef`. */
export const legacyPolicy: PolicyTraits = {
  isTargetRef: false,
  hasToTargetRef: false,
  hasFromTargetRef: false,
  hasRulesTargetRef: false,
  isFromAsRules: false,
};

/** A resource type, from its definition. Defaults: mesh scope, no short name, writable, federated, provided by zones and global alike. */
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
