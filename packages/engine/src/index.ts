// Resources in, Envoy configuration out.

export { resourceJson } from '@ursa/envoy';
export type {
  CollectorEnvironment,
  CollectorField,
  CollectorVariables,
  NamedEndpoint,
} from './collector-environment.ts';
export type { CollectorRefs } from './collector-refs.ts';
export { type DataplaneFacts, dataplaneFacts } from './dataplane-facts.ts';
export { subsetName } from './destinations.ts';
export * from './engine.ts';
export type * from './explain/explanation.ts';
export { presumeConnected, presumedProxy } from './explain/presumed.ts';
export { type LeftOut, leftOut, nothingLeftOut, policiesOf } from './held-back.ts';
export { ipLookup } from './host-address.ts';
export * from './lint/finding.ts';
export { idleMeshFields } from './mesh-idle.ts';
export { type EngineOptions, type OpenEngine, openEngine } from './open-engine.ts';
export { overlayInputs, type ResourceDrafts } from './overlay-inputs.ts';
export * from './policy-insight.ts';
export type { UnsentLookup } from './unsent.ts';
