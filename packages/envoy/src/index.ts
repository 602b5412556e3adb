// Envoy's API and small builders on it.
export * from './draft.ts';
export * from './resource.ts';
