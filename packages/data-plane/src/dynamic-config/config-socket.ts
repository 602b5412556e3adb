// Where the documents of the control plane come from.

/** Socket in the work directory on which Envoy serves them (reference s9). */
export const configSocket = 'kuma-mesh-metric-config.sock';
