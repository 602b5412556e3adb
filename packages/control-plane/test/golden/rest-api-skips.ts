// Cases of the golden set `rest-api` that do not pass, each with its reason.

/** Reason by case id. */
export const skippedCases: ReadonlyMap<string, string> = new Map<string, string>([]);
