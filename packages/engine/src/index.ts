// Resources in, Envoy configuration out.
export * from './engine.ts';
export { type EngineOptions, openEngine } from './open-engine.ts';
