// The tag `kuma.io/zone` that a control plane puts on the inbounds and the gateway of its Dataplanes.

import { tagNames } from './label-names.ts';
import type { ResourceDraft } from './resource.ts';
import type { DataplaneSpec } from './types/dataplane.ts';

/** The Dataplane with the zone on each of its tag sets, whatever it claimed before. */
export function tagWithZone(dataplane: ResourceDraft, zone: string): ResourceDraft {
  const spec = dataplane.spec as DataplaneSpec;
  const { networking } = spec;
  if (networking === undefined || zone === '') return dataplane;
  const tagged = <Tagged extends { readonly tags?: Record<string, string> | undefined }>(part: Tagged): Tagged => ({
    ...part,
    tags: { ...part.tags, [tagNames.zone]: zone },
  });
  return {
    ...dataplane,
    spec: {
      ...spec,
      networking: {
        ...networking,
        ...(networking.inbound === undefined ? {} : { inbound: networking.inbound.map(tagged) }),
        ...(networking.gateway === undefined ? {} : { gateway: tagged(networking.gateway) }),
      },
    },
  };
}
