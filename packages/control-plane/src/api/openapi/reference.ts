// The text of the reference page: the description of an API with default settings, as YAML.

import { createGraph } from '@ursa/collections';
import type { ResourceTypes } from '@ursa/resources';
import { stringify } from 'yaml';
import { defaultSettings } from '../../config/load-settings.ts';
import { fixedCertificate } from '../../identity/served-certificate.ts';
import { staticAccessControl } from '../../identity/static-access.ts';
import { openTokens } from '../../identity/tokens/tokens.ts';
import { noCalls } from '../../instances/calls.ts';
import { soleInstance } from '../../instances/instances.ts';
import { openLiveResources } from '../../store/live-resources.ts';
import { openMemoryStore } from '../../store/memory-store.ts';
import { openResourceManager } from '../../store/resource-manager.ts';
import { apiRoutes } from '../api.ts';
import { createOpenApiDocument } from './document.ts';

/** `docs/reference/openapi.yaml` for these types. The same types always give the same text. */
export function formatOpenApiReference(types: ResourceTypes, version: string): string {
  const { apiServer, access } = defaultSettings({ 'apiServer.gui.enabled': false });
  const labels = { mode: 'zone', zone: 'default', environment: 'universal', federated: false } as const;
  const store = openMemoryStore();
  const live = openLiveResources(createGraph(), store);
  const tokens = openTokens(live);
  const explain = () => ({
    verdict: 'unknown' as const,
    summary: '',
    steps: [],
    backends: [],
    policies: [],
    problems: [],
  });
  const engine = {
    rules: nothing(new Map()),
    gatewayRules: nothing(new Map()),
    config: nothing(undefined),
    identityRequest: nothing(undefined),
    strictInbounds: nothing([]),
    heldBack: nothing(''),
    unusable: nothing([]),
    faultOf: () => undefined,
    affectedDataplanes: nothing([]),
    explain,
    collectorRefs: nothing({ total: 0, missing: [] }),
    unsentTo: nothing([]),
    referenceFindings: () => [],
    idleFindings: () => [],
  };
  const routes = apiRoutes({
    types,
    live,
    engine,
    shadowEngine: engine,
    whatIf: () => engine,
    proxies: { keys: () => [] },
    rollout: { at: () => ({ processed: 0, proxies: [] }), onProgress: () => ({ stop: () => {} }) },
    envoyAdmin: { ask: () => Promise.reject(new Error('no proxy is asked by a description')) },
    storeHealth: () => ({ ok: true }),
    instances: soleInstance('', () => ({
      ...{ id: '', hostname: '', address: '', port: 0, version, startTime: '', proxies: 0 },
    })),
    calls: noCalls,
    holderOf: () => undefined,
    revision: () => 0,
    manager: openResourceManager({ store, types, labels, unsafeDelete: false }),
    tokens,
    joining: {
      codes: { issue: () => Promise.reject(new Error('no code is made by a description')) },
      reachableAs: { authority: () => '', addresses: async () => [] },
    },
    access: staticAccessControl(access.static),
    settings: apiServer,
    labels,
    facts: { hostname: '', version, instanceId: '', clusterId: () => '' },
    config: () => ({}),
    logTail: () => [],
    serviceAddress: (service) => service,
    certificate: fixedCertificate({ certificate: '', privateKey: '' }),
    onBug: () => {},
  });
  tokens.stop();
  live.stop();
  return stringify(createOpenApiDocument(routes, types, { version, basePath: '/' }), {
    lineWidth: 140,
    aliasDuplicateObjects: false,
  });
}

/** A derivation of an engine that knows no proxy. */
function nothing<Value>(value: Value) {
  return { name: 'nothing', get: () => value };
}
