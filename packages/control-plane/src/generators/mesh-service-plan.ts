// What should be written so that MeshServices are as they should be: generated ones from the Dataplanes, and the statuses of all.
import type { Derivation } from '@ursa/collections';
import { deepEqual } from '@ursa/collections';
import {
  type AddressRange,
  isGeneratedService,
  labelNames,
  type MeshServiceSpec,
  type MeshServiceStatus,
  type MeshSpec,
  meshService,
  type Resource,
  type ResourceDraft,
  tagNames,
} from '@ursa/resources';
import { keyInType, type LiveResources } from '../store/live-resources.ts';
import type { MeshServiceLabels } from './mesh-service-labels.ts';
import type { MeshServicePorts } from './mesh-service-ports.ts';
import { proxyFacts } from './mesh-service-status.ts';
import type { PlannedWrite } from './planned-write.ts';
import { deriveServiceAddresses } from './service-addresses.ts';
import { deriveServiceIdentities } from './service-identities.ts';
import type { ServiceNames } from './service-names.ts';
import { deriveServiceProxies } from './service-proxies.ts';

export interface MeshServicePlanInputs {
  readonly live: LiveResources;
  /** What Dataplanes call for. */
  readonly ports: MeshServicePorts;
  readonly names: ServiceNames;
  readonly labels: MeshServiceLabels;
  readonly zone: string;
  readonly range: AddressRange;
  /** Grace periods that end at or before this time (milliseconds since 1970) are over. From a source: derivations have no clock. */
  readonly now: Derivation<readonly [], number>;
  /** Milliseconds that a generated service without Dataplanes is kept. */
  readonly gracePeriod: number;
}

/** The plan, and when the next grace period ends. */
export interface MeshServicePlan {
  readonly plan: Derivation<readonly [], readonly PlannedWrite[]>;
  /** Milliseconds since 1970; undefined while no service is on its way out. */
  readonly nextGraceEnd: Derivation<readonly [], number | undefined>;
}

/** Derives the plan. */
export function deriveMeshServicePlan(inputs: MeshServicePlanInputs): MeshServicePlan {
  const { live, zone, now, gracePeriod, names } = inputs;
  const { graph } = live;
  const services = live.resources('MeshService');
  const { wanted, ports, usesMeshServices, generates } = inputs.ports;
  const proxiesOf = deriveServiceProxies(live);
  const identities = deriveServiceIdentities(live, { zone, environment: 'universal' });
  const address = deriveServiceAddresses(live, names, {
    type: meshService,
    range: inputs.range,
    storedAddresses: (status) => ((status as MeshServiceStatus | undefined)?.vips ?? []).flatMap(({ ip }) => ip ?? []),
  });
  const mtlsEnabled = graph.derive('mtls-enabled', (mesh: string): boolean => {
    const spec = live.resources('Mesh').get(keyInType({ mesh: '', name: mesh }))?.spec as MeshSpec | undefined;
    return (spec?.mtls?.enabledBackend ?? '') !== '';
  });

  /** The service with all that follows from its selector and ports. */
  const complete = (key: string, draft: ResourceDraft): ResourceDraft => {
    const spec = draft.spec as MeshServiceSpec;
    const status = (draft.status ?? {}) as MeshServiceStatus;
    const { addresses: _addresses, hostnameGenerators: _hostnameGenerators, ...rest } = status;
    const ip = address.get(key);
    const given = {
      ...rest,
      ...(ip !== undefined && { vips: [{ ip }] }),
      ...names.hostnames.get(meshService.name, key),
    };
    if (!isLocal(draft, zone)) return { ...draft, status: given };
    const facts = proxyFacts(
      proxiesOf(draft.mesh, spec.selector),
      { ports: spec.ports ?? [], generatedFor: isGeneratedService(draft) ? draft.name : undefined },
      { mtlsEnabled: mtlsEnabled.get(draft.mesh), identities },
      status.tls?.status,
    );
    const { identities: _identities, ...ownSpec } = spec;
    return { ...draft, spec: { ...ownSpec, ...facts.spec }, status: { ...given, ...facts.status } };
  };
  const planOf = graph.derive('mesh-service-plan/one', (key: string): PlannedWrite | undefined => {
    const stored = services.get(key);
    const [mesh = '', name = ''] = key.split('/');
    const wantedPorts = ports.get(key);
    if (stored === undefined) {
      if (wantedPorts === undefined) return undefined;
      const selector = { dataplaneTags: { [tagNames.service]: name } };
      const draft = {
        type: meshService.name,
        mesh,
        name,
        labels: inputs.labels.labels.get(key),
        spec: { selector, ports: wantedPorts },
      };
      return { kind: 'put', draft: complete(key, draft), seen: 0 };
    }
    const { version, creationTime: _created, modificationTime: _modified, ...draft } = stored;
    if (!generates || !isGeneratedService(stored)) return changed(stored, complete(key, draft));
    if (wantedPorts === undefined) {
      const graceEnd = graceEndOf(stored, gracePeriod);
      const isOver = graceEnd !== undefined && graceEnd <= now.get();
      if (!usesMeshServices.get(mesh) || isOver)
        return { kind: 'delete', key: { type: meshService.name, mesh, name }, seen: version };
      const left = complete(key, draft);
      if (graceEnd !== undefined) return changed(stored, left);
      return { kind: 'put', draft: left, seen: version, timeLabel: labelNames.deletionGracePeriodStartedAt };
    }
    const { [labelNames.deletionGracePeriodStartedAt]: _started, ...kept } = stored.labels;
    // Labels that are copied go with the Dataplanes that have them: what else is there cannot be told from them.
    const labels = inputs.labels.enabled ? inputs.labels.labels.get(key) : kept;
    return changed(
      stored,
      complete(key, { ...draft, labels, spec: { ...(stored.spec as MeshServiceSpec), ports: wantedPorts } }),
    );
  });

  return {
    plan: graph.derive('mesh-service-plan', () => {
      const keys = new Set([...services.keys(), ...wanted.get()]);
      return [...keys].flatMap((key) => planOf.get(key) ?? []);
    }),
    nextGraceEnd: graph.derive('mesh-service-grace-end', () => {
      const ends = services.keys().flatMap((key) => graceEndOf(services.get(key), gracePeriod) ?? []);
      return ends.length === 0 ? undefined : Math.min(...ends);
    }),
  };
}

function changed({ version, ...stored }: Resource, draft: ResourceDraft): PlannedWrite | undefined {
  const isSame =
    deepEqual(stored.labels, draft.labels) &&
    deepEqual(stored.spec, draft.spec) &&
    deepEqual(stored.status, draft.status);
  return isSame ? undefined : { kind: 'put', draft, seen: version };
}

/** Services of other zones come with what their own zone has found out about them. */
export function isLocal({ labels }: Pick<Resource, 'labels'>, zone: string): boolean {
  return (labels[labelNames.origin] ?? 'zone') === 'zone' && (labels[labelNames.zone] ?? zone) === zone;
}

/** When the grace period of a service ends; undefined when it has not begun (or its label is no time). */
function graceEndOf(service: Resource | undefined, gracePeriod: number): number | undefined {
  const started = Date.parse(service?.labels[labelNames.deletionGracePeriodStartedAt] ?? '');
  return Number.isNaN(started) ? undefined : started + gracePeriod;
}
