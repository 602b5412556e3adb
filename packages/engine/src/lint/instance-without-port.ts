// Proxies that a MeshService selects and that serve nothing at one of its ports: clients never get to them there, and nothing else says so.
import type { EndpointSource, MeshServiceSpec } from '../destinations.ts';
import type { ExplainParts } from '../explain/explain-parts.ts';
import { type Finding, finding } from './finding.ts';

const mostNamed = 5;

/** One finding for each MeshService behind a destination. */
export function instancesWithoutPort(
  { inputs, endpoints }: Pick<ExplainParts, 'inputs' | 'endpoints'>,
  source: EndpointSource,
): readonly Finding[] {
  if (source.kind !== 'MeshService' && source.kind !== 'MeshMultiZoneService') return [];
  const byService = Map.groupBy(endpoints.lackingOf(source), ({ service }) => service);
  return [...byService].flatMap(([key, lacking]) => {
    const service = inputs.resources('MeshService').get(key);
    const ports = (service?.spec as MeshServiceSpec | undefined)?.ports ?? [];
    const index = ports.findIndex(({ port }) => port === source.port);
    const port = ports[index];
    if (service === undefined || port === undefined) return [];
    const target = port.targetPort ?? port.port;
    const names = lacking.map(({ dataplane }) => dataplane.name).sort();
    const more = names.length > mostNamed ? ` and ${names.length - mostNamed} more` : '';
    const [verb, pronoun] = names.length === 1 ? ['has', 'it gets'] : ['have', 'they get'];
    const what = typeof target === 'number' ? `at port ${target}` : `named ${target}`;
    return finding(
      'instance-without-port',
      `${names.slice(0, mostNamed).join(', ')}${more} ${verb} no inbound ${what}, to which port ${port.port} of the MeshService ${service.name} leads: ${pronoun} no requests there`,
      `add an inbound ${what}, or let the selector of ${service.name} leave out who has none`,
      service,
      `spec.ports[${index}].targetPort`,
    );
  });
}
