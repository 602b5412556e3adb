// MeshProxyPatch: changes Envoy's own configuration where no policy has a word for it. It comes after all other policies.
import { defineProxyPolicy } from '@ursa/policy';
import { checkPatch } from './check-proxy-patch.ts';
import { addedResources, modifyResource } from './modify-resources.ts';
import { patchHazards } from './patch-hazards.ts';
import { type ProxyPatchConf, proxyPatchConf } from './proxy-patch-conf.ts';

/** The policy. */
export const meshProxyPatch = defineProxyPolicy({
  name: 'MeshProxyPatch',
  shortName: 'mpp',
  summary: "Patches Envoy's configuration.",
  targetRef: ['Mesh', 'Dataplane', 'MeshSubset', 'MeshGateway', 'MeshService', 'MeshServiceSubset'],
  conf: proxyPatchConf,
  gatewayListenerTags: true,
  checkConf: checkPatch,
  hazards: ({ default: conf = {} }: { readonly default?: ProxyPatchConf }) => patchHazards(conf),
  apply: {
    finish: modifyResource,
    additions: addedResources,
  },
});
