// What-if: the same engine over resources as they would be after some changes.
import { type Drafts, overlay } from '@ursa/collections';
import type { Resource } from '@ursa/resources';
import type { EngineInputs } from './engine.ts';

/** Changes by resource type, then by key (`<mesh>/<name>`); undefined deletes. */
export type ResourceDrafts = ReadonlyMap<string, Drafts<Resource>>;

/** Inputs in which the drafts have happened. An engine opened over them says what the change would do; nothing is written. */
export function overlayInputs(inputs: EngineInputs, drafts: ResourceDrafts): EngineInputs {
  const overlays = new Map([...drafts].map(([type, changes]) => [type, overlay(inputs.resources(type), changes)]));
  return { ...inputs, resources: (type) => overlays.get(type) ?? inputs.resources(type) };
}
