// Cases of the golden set `envoyconfig-sidecars` that do not pass, each with its reason.

const logsOfRoutes = 'access logs of one MeshHTTPRoute are not built yet';

/** Reason by case id. */
export const skippedConfigs: ReadonlyMap<string, string> = new Map([
  ['meshaccesslog/outbound-mix.input.yaml', logsOfRoutes],
  ['meshaccesslog/outbound-route.input.yaml', logsOfRoutes],
]);
