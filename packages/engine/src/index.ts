// Resources in, Envoy configuration out.
export * from './engine.ts';
