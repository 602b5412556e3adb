// What several control planes say of themselves in their metrics.
import type { ControlPlaneHost } from './control-plane.ts';

/** A metric without labels of an instance; undefined while it does not answer. */
export async function metricOf({ diagnosticsUrl }: ControlPlaneHost, name: string): Promise<number | undefined> {
  try {
    const answer = await fetch(`${diagnosticsUrl}/metrics`, { signal: AbortSignal.timeout(2000) });
    const value = (await answer.text()).match(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm'))?.[1];
    return value === undefined ? undefined : Number(value);
  } catch {
    return undefined;
  }
}

/** Whether the instance leads. */
export async function leads(controlPlane: ControlPlaneHost): Promise<boolean> {
  return (await metricOf(controlPlane, 'leader')) === 1;
}

/** Streams of proxies that end at the instance. */
export async function streamsOf(controlPlane: ControlPlaneHost): Promise<number> {
  return (await metricOf(controlPlane, 'xds_streams_active')) ?? 0;
}
