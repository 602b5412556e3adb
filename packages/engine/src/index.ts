// Resources in, Envoy configuration out.

export { type DataplaneFacts, dataplaneFacts } from './dataplane-facts.ts';
export * from './engine.ts';
export { type EngineOptions, type OpenEngine, openEngine } from './open-engine.ts';
export { overlayInputs, type ResourceDrafts } from './overlay-inputs.ts';
