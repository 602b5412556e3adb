// What a zone makes of its Dataplanes: MeshServices, Workloads and the addresses of services, set up from the settings.
import type { Graph, Source } from '@ursa/collections';
import type { ServiceVip } from '@ursa/engine';
import { parseAddressRange } from '@ursa/resources';
import type { Component } from './component.ts';
import type { Settings } from './config/settings.ts';
import type { GeneratorMetrics } from './diagnostics/component-metrics.ts';
import { addressKeeper } from './generators/address-keeper.ts';
import { deriveExternalServicePlan } from './generators/external-service-plan.ts';
import { generator } from './generators/generator.ts';
import { meshServiceGenerator } from './generators/mesh-service-generator.ts';
import { deriveMeshServiceLabels } from './generators/mesh-service-labels.ts';
import { deriveMeshServicePorts } from './generators/mesh-service-ports.ts';
import { derivePlannedMeshServices } from './generators/planned-mesh-services.ts';
import { deriveServiceNames } from './generators/service-names.ts';
import { serviceVips } from './generators/service-vips.ts';
import { deriveWorkloadPlan } from './generators/workload-plan.ts';
import type { Clock } from './identity/clock.ts';
import type { Log } from './log.ts';
import type { LiveResources } from './store/live-resources.ts';
import type { Store } from './store/store.ts';

/** What generators work with. */
export interface GeneratorParts {
  /** The leader's. */
  readonly store: Store;
  /** Makes a part run on the leader only. */
  readonly led: (part: Component) => Component;
  readonly clock: Clock;
  readonly paced: LiveResources;
  readonly graph: Graph;
  readonly vips: Source<ServiceVip>;
  readonly log: Log;
  readonly metrics: GeneratorMetrics;
}

/** The generators that the settings leave switched on. */
export function composeGenerators(
  settings: Settings,
  { store, led, clock, paced, graph, vips, log, metrics }: GeneratorParts,
) {
  const { ipam, dnsServer, meshService, multizone, runtime } = settings;
  const generatorsLog = log.component('generators');
  const onFailure = (error: unknown) => generatorsLog.error('a generated resource could not be written', { error });
  const zone = multizone.zone.name;
  const ports = deriveMeshServicePorts(paced, meshService.generationInterval > 0);
  const labels = deriveMeshServiceLabels(paced, meshService.labelPropagation, zone);
  const names = deriveServiceNames(paced, derivePlannedMeshServices(paced, ports, labels));
  const components: Component[] = [
    led(
      generator({
        name: 'external-service-addresses',
        graph: paced.graph,
        store,
        clock,
        plan: deriveExternalServicePlan(paced, names, {
          externalServices: parseAddressRange(ipam.meshExternalService.cidr),
          multiZoneServices: parseAddressRange(ipam.meshMultiZoneService.cidr),
        }),
        onFailure,
        onWritten: metrics.externalServices,
      }),
    ),
  ];
  if (dnsServer.serviceVipEnabled) {
    components.push(
      // On every instance: they are kept in its graph only.
      serviceVips({
        live: paced,
        graph,
        vips,
        range: parseAddressRange(dnsServer.CIDR),
        onFilled: metrics.serviceVips,
      }),
    );
  }
  components.push(
    led(
      meshServiceGenerator({
        live: paced,
        ports,
        names,
        labels,
        store,
        clock,
        zone,
        range: parseAddressRange(ipam.meshService.cidr),
        gracePeriod: meshService.deletionGracePeriod,
        onFailure,
        onWritten: metrics.meshServices,
        onDropped(dropped) {
          metrics.droppedLabels(dropped.length);
          generatorsLog.warn('labels are not copied to MeshServices: their Dataplanes differ in them', { dropped });
        },
      }),
    ),
  );
  if (runtime.universal.workloadGenerationInterval > 0) {
    components.push(
      led(
        generator({
          name: 'workload-generator',
          graph: paced.graph,
          store,
          clock,
          plan: deriveWorkloadPlan(paced, zone),
          onFailure,
          onWritten: metrics.workloads,
        }),
      ),
    );
  }
  components.push(led(addressKeeper({ live: paced, graph, vips, store, clock, onFailure })));
  return components;
}
