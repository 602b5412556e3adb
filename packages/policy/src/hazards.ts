// What a policy's conf can do beside shaping traffic. Operators decide by a setting which of these they let be written.

/** Kinds of hazards, with what they are. */
export const hazardKinds = {
  host: "reads or writes files, environment variables or sockets of the proxy's host",
  admin: "makes the proxy's admin interface reachable",
  code: 'runs code inside the proxy (Lua, Wasm, Go, dynamic modules)',
  authorization: 'removes or changes filters that decide who is let in',
  internal: "sends to addresses of the proxy's host or of its cloud provider",
  'log-environment': "writes environment variables of the proxy's host into access logs",
} as const;

/** A kind of hazard. */
export type HazardKind = keyof typeof hazardKinds;

/** One hazard. */
export interface Hazard {
  readonly kind: HazardKind;
  /** Below the spec: `default.appendModifications[0].cluster.value`. */
  readonly field: string;
  /** The thing in it: `filename`. */
  readonly what: string;
}
