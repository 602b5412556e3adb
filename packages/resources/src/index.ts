// What a mesh is made of.
export * from './core-resource-types.ts';
export { defineType, type TypeDefinition } from './define-type.ts';
export * from './duration.ts';
export * from './error.ts';
export * from './kri.ts';
export * from './label-names.ts';
export * from './resource.ts';
export * from './resource-type.ts';
export * from './resource-types.ts';
export * from './schema/shapes.ts';
export * from './schema/target-ref.ts';
export * from './type-names.ts';
export * from './types/dataplane.ts';
export * from './types/mesh.ts';
export * from './token-claims.ts';
