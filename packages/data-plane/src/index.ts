// What other parts of the repository may use of the data plane: where Envoy is, and which one.

export { type FetchedEnvoy, fetchEnvoy } from './envoy/fetch-envoy.ts';
export { findEnvoy } from './envoy/find-envoy.ts';
export { cachedEnvoyPath, envoySha256, envoyVersion, envoyWheel } from './envoy/release.ts';
