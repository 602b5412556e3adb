// What a mesh is made of.
export * from './error.ts';
export * from './resource.ts';
export * from './resource-type.ts';
export * from './token-claims.ts';
