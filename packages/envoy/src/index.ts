// Envoy's API and small builders on it. The messages themselves are imported from `@ursa/envoy/gen/…`.
export * from './client-filter.ts';
export * from './client-match.ts';
export * from './cluster.ts';
export * from './content-hash.ts';
export * from './decode.ts';
export * from './draft.ts';
export * from './encode.ts';
export * from './endpoints.ts';
export * from './filter-chain.ts';
export * from './generated-modules.ts';
export * from './listener.ts';
export * from './merge-message.ts';
export * from './messages.ts';
export * from './names.ts';
export * from './resource.ts';
export * from './routes.ts';
export * from './tls.ts';
