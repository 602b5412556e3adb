// What proxies would get if a policy were written: a few that differ, or one made up where the policy concerns nobody yet.

import type { Graph } from '@ursa/collections';
import { overlay } from '@ursa/collections';
import { type ConnectedProxy, type EngineInputs, openEngine, overlayInputs, type ProxyConfig } from '@ursa/engine';
import type { ProxyPolicy } from '@ursa/policy';
import type { Resource, ResourceDraft } from '@ursa/resources';

/** What drafts are rendered over. */
export interface DraftOptions {
  readonly graph: Graph;
  readonly inputs: EngineInputs;
  readonly policies: readonly ProxyPolicy[];
}

/** Proxies whose configuration is looked at, at most. */
const sampleSize = 3;

const madeUp = 'validated-sidecar';

/** Renders the configurations that a draft would lead to; undefined stands for the policy's absence. */
export type RenderDraft = (spec: unknown) => readonly ProxyConfig[];

/** Prepares the rendering of drafts of one policy: the proxies are chosen once, so that drafts can be compared. */
export function draftRenderer(options: DraftOptions, draft: ResourceDraft): RenderDraft {
  const { graph, inputs, policies } = options;
  const key = `${draft.mesh}/${draft.name}`;
  const open = (resource: ResourceDraft | undefined, base: EngineInputs) => {
    const stored: Resource | undefined = resource && {
      ...resource,
      version: 0,
      creationTime: '',
      modificationTime: '',
    };
    const drafts = new Map([[draft.type, new Map([[key, stored]])]]);
    return openEngine({ graph, policies, inputs: overlayInputs(base, drafts), shadow: true });
  };
  const affected = open(draft, inputs).affectedDataplanes.get(draft.type, draft.mesh, draft.name);
  const connected = affected.filter((proxyKey) => inputs.proxies.get(proxyKey) !== undefined);
  const sample = distinct(inputs, connected);
  const keys = sample.length > 0 ? sample : [`${draft.mesh}/${madeUp}`];
  const base = sample.length > 0 ? inputs : withSidecar(inputs, draft.mesh);
  // Nobody is concerned: the policy is shown to a proxy that it would not select.
  const widened = (spec: unknown) => (sample.length > 0 ? spec : { ...(spec as object), targetRef: { kind: 'Mesh' } });
  // Keys of the admin listener are left out of what is written to a file.
  const withoutKeys = {
    ...base,
    adminIdentities: overlay(base.adminIdentities, new Map(keys.map((proxyKey) => [proxyKey, undefined]))),
  };
  return (spec) => {
    const engine = open(spec === undefined ? undefined : { ...draft, spec: widened(spec) as never }, withoutKeys);
    return keys.flatMap((proxyKey) => engine.config.get(proxyKey) ?? []);
  };
}

/** One proxy of each kind: proxies that announce the same and have the same inbounds are alike enough. */
function distinct(inputs: EngineInputs, keys: readonly string[]): string[] {
  const kinds = new Map<string, string>();
  for (const key of keys) {
    const proxy = inputs.proxies.get(key);
    const { networking } = (inputs.resources('Dataplane').get(key)?.spec ?? {}) as {
      readonly networking?: { readonly inbound?: readonly { readonly tags?: unknown }[]; readonly gateway?: unknown };
    };
    const inbounds = networking?.inbound?.map(({ tags }) => tags);
    const kind = JSON.stringify([proxy?.features, proxy?.proxyType, inbounds, networking?.gateway]);
    if (!kinds.has(kind)) kinds.set(kind, key);
    if (kinds.size === sampleSize) break;
  }
  return [...kinds.values()];
}

/** A mesh in which a sidecar with transparent proxying runs. */
function withSidecar(inputs: EngineInputs, mesh: string): EngineInputs {
  const inbound = ['http', 'tcp'].map((protocol, index) => ({
    port: 10_000 + index,
    tags: { 'kuma.io/service': madeUp, 'kuma.io/protocol': protocol },
  }));
  const dataplane: Resource = {
    type: 'Dataplane',
    mesh,
    name: madeUp,
    labels: {},
    spec: { networking: { address: '192.0.2.1', inbound } } as never,
    version: 0,
    creationTime: '',
    modificationTime: '',
  };
  const key = `${mesh}/${madeUp}`;
  const proxies = overlay(inputs.proxies, new Map([[key, sidecar(mesh)]]));
  return { ...overlayInputs(inputs, new Map([['Dataplane', new Map([[key, dataplane]])]])), proxies };
}

function sidecar(mesh: string): ConnectedProxy {
  return {
    mesh,
    name: madeUp,
    proxyType: 'dataplane',
    features: ['feature-transparent-proxy-in-dataplane-metadata', 'feature-reuse-port'],
    admin: { port: 0, address: '127.0.0.1', socketPath: '/tmp/admin.sock' },
    readinessPort: 9902,
    dnsPort: 15054,
    workdir: '/tmp',
    appProbeProxyEnabled: false,
    ipv6Enabled: true,
    systemCaPath: '',
    metricsCertPath: '',
    metricsKeyPath: '',
    spireSocketPath: '',
    dynamicMetadata: {},
    transparentProxy: {
      enabled: true,
      inboundPort: 15006,
      outboundPort: 15001,
      dnsPort: 15053,
      dnsEnabled: true,
      ipFamilyMode: 'dualstack',
    },
    extensions: ['envoy.filters.network.tcp_proxy'],
    envoyVersion: '',
  };
}
