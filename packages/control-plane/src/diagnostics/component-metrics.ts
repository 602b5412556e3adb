// Metrics of the work that goes on in the background: certificates, generated resources, insights. Names of the peer where they mean the same.
import type { Meter } from '@ursa/telemetry';
import type { IdentityMetrics } from '../identity/workload-identities.ts';
import type { MeshInsightsMetrics } from '../insights/mesh-insights.ts';

/** Hears how long generated things took, in milliseconds. */
export interface GeneratorMetrics {
  externalServices(milliseconds: number): void;
  meshServices(milliseconds: number): void;
  serviceVips(milliseconds: number): void;
  workloads(milliseconds: number): void;
  /** Told how many labels are no longer copied. */
  droppedLabels(count: number): void;
}

const milliseconds = [0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 1000, 5000];

/** Declares the metrics of generators. */
export function generatorMetrics(meter: Meter): GeneratorMetrics {
  const histogram = (name: string, help: string) => meter.histogram(name, help, milliseconds).of();
  const externalServices = histogram(
    'component_vip_allocator',
    'Milliseconds to write addresses and host names of MeshExternalServices and MeshMultiZoneServices.',
  );
  const meshServices = histogram('component_meshservice_generator', 'Milliseconds to write generated MeshServices.');
  const serviceVips = histogram('vip_generation', 'Milliseconds to give addresses to services known by their tag.');
  const droppedLabels = meter
    .counter(
      'component_meshservice_generator_dropped_labels_total',
      'Labels that were not copied to MeshServices since Dataplanes differ in them.',
    )
    .of();
  const workloads = histogram('component_workload_generator', 'Milliseconds to write Workloads and their statuses.');
  return {
    externalServices: (value) => externalServices.observe(value),
    meshServices: (value) => meshServices.observe(value),
    serviceVips: (value) => serviceVips.observe(value),
    workloads: (value) => workloads.observe(value),
    droppedLabels(count) {
      droppedLabels.value += count;
    },
  };
}

/** Hears of the work that keeps instances and proxies apart from those that are gone. */
export interface InstanceMetrics {
  /** Milliseconds that a heartbeat took, or that it could not be written. */
  heartbeat(milliseconds: number | 'failed'): void;
  /** Milliseconds to delete proxies that have stayed away. */
  swept(milliseconds: number): void;
}

/** Declares the metrics of instances. */
export function instanceMetrics(meter: Meter): InstanceMetrics {
  const heartbeats = meter
    .histogram(
      'component_heartbeat',
      'Milliseconds of a heartbeat, where several instances share a store.',
      milliseconds,
    )
    .of();
  const failures = meter.counter('component_heartbeat_failures', 'Heartbeats that could not be written.').of();
  const sweeps = meter
    .histogram('component_dp_gc', 'Milliseconds to delete proxies that have stayed away for too long.', milliseconds)
    .of();
  return {
    heartbeat(value) {
      if (value === 'failed') failures.value += 1;
      else heartbeats.observe(value);
    },
    swept: (value) => sweeps.observe(value),
  };
}

/** Declares the metrics of certificates. */
export function identityMetrics(meter: Meter): IdentityMetrics {
  const durations = meter.histogram(
    'ca_manager_get_cert',
    'Milliseconds to make a key and have its certificate signed.',
    milliseconds,
    ['backend_name'],
  );
  const roots = meter.histogram(
    'ca_manager_get_root_cert_chain',
    'Milliseconds until an authority outside of the control plane has told what verifies its certificates.',
    milliseconds,
    ['backend_name'],
  );
  const issued = meter.counter('cert_generation', 'Certificates issued to proxies.', ['mesh']);
  const failed = meter.counter('cert_generation_failure', 'Certificates that could not be issued.', ['mesh']);
  return {
    issued(mesh, backend, value) {
      issued.of(mesh).value += 1;
      durations.of(backend).observe(value);
    },
    failed(mesh) {
      failed.of(mesh).value += 1;
    },
    roots: (backend, value) => roots.of(backend).observe(value),
  };
}

/** Declares the metrics of the insights of meshes. */
export function meshInsightsMetrics(meter: Meter): MeshInsightsMetrics {
  const waited = meter
    .histogram(
      'insights_resyncer_event_time_to_process',
      'Milliseconds from a change to the work on the insights of its mesh; at most metrics.mesh.minResyncInterval and a little.',
      [10, 100, 500, 1000, 1500, 2500, 5000, 10_000],
    )
    .of();
  const processed = meter.histogram(
    'insights_resyncer_event_time_processing',
    'Milliseconds to work out and write the insights of a mesh.',
    milliseconds,
    ['result'],
  );
  return {
    waited: (value) => waited.observe(value),
    processed: (value, result) => processed.of(result).observe(value),
  };
}
