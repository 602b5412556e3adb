// Cases of the golden set `envoyconfig-sidecars` that do not pass, each with its reason.

/** Reason by case id. */
export const skippedConfigs: ReadonlyMap<string, string> = new Map([
  [
    'meshaccesslog/outbound-route.input.yaml',
    'its format has `%source%`, which is no command of Envoy: every proxy refuses the listener that is recorded',
  ],
  [
    'meshloadbalancingstrategy/outbound-mix-hashpolicies.input.yaml',
    'its Maglev table has a size that is no prime: every proxy refuses the cluster that is recorded',
  ],
]);
