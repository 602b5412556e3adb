// Cases of the golden set `envoyconfig-sidecars` that do not pass, each with its reason.

/** Reason by case id. */
export const skippedConfigs: ReadonlyMap<string, string> = new Map();
