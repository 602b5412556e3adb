// The registry that the tests share.
import { accessResourceTypes, coreResourceTypes, createResourceTypes, type LabelContext } from '../src/index.ts';

export const types = createResourceTypes([...coreResourceTypes, ...accessResourceTypes]);

/** A Universal zone that stands alone, as the conformance data was recorded on. */
export const zoneContext: LabelContext = { mode: 'zone', zone: 'default', environment: 'universal', federated: false };
