// Which Envoys have known holes: for each line of releases the first one with all security fixes that we know of.

/** The security release of 2026-08-26 (CVE-2026-73511 and its eleven siblings, authorization by path among them) in the lines that it was made for. */
const floors: Readonly<Record<string, number>> = { '1.36': 10, '1.37': 6, '1.38': 4, '1.39': 1 };
/** The first line that began with those fixes. */
const firstFixedLine = { major: 1, minor: 40 };

/**
 * Says of an Envoy older than the floor of its line what to do about it; undefined for the others, and for versions that cannot be read.
 * Source: `spec/quality.md` section 3, authorization bypass by normalisation.
 */
export function describeEnvoyBelowFloor(version: string): string | undefined {
  const [, major, minor, patch] = /^(\d+)\.(\d+)\.(\d+)/.exec(version) ?? [];
  if (major === undefined || minor === undefined) return undefined;
  const isFixedLine =
    Number(major) > firstFixedLine.major ||
    (Number(major) === firstFixedLine.major && Number(minor) >= firstFixedLine.minor);
  if (isFixedLine) return undefined;
  const floor = floors[`${major}.${minor}`];
  if (floor !== undefined && Number(patch) >= floor) return undefined;
  const upgrade = floor === undefined ? '1.40.0: its own line gets no fixes' : `${major}.${minor}.${floor} or newer`;
  return `Envoy ${version} has known vulnerabilities; upgrade it to ${upgrade}`;
}
