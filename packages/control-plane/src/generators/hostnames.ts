// Host names of services: which HostnameGenerators apply to which service, and what comes out.
import {
  displayNameOf,
  type HostnameGeneratorSpec,
  labelNames,
  parseGoTemplate,
  type Resource,
  renderGoTemplate,
} from '@ursa/resources';

/** Kinds of services that get host names, as the selectors of generators call them. */
export type ServiceSelector = 'meshService' | 'meshExternalService' | 'meshMultiZoneService';

/** A service, as far as its host names depend on it. */
export interface NamedService extends Pick<Resource, 'mesh' | 'name' | 'labels' | 'creationTime'> {
  readonly type: string;
}

/** The part of a service's status that says its host names. Absent lists are empty. */
export interface HostnameStatus {
  readonly addresses?: readonly {
    readonly hostname: string;
    readonly origin: 'HostnameGenerator';
    readonly hostnameGeneratorRef: { readonly coreName: string };
  }[];
  readonly hostnameGenerators?: readonly {
    readonly hostnameGeneratorRef: { readonly coreName: string };
    readonly conditions: readonly HostnameCondition[];
  }[];
}

interface HostnameCondition {
  readonly type: 'Generated';
  readonly status: 'True' | 'False';
  readonly reason: 'Generated' | 'TemplateError' | 'Collision';
  readonly message: string;
}

interface Outcome {
  readonly generator: string;
  readonly hostname: string;
  readonly condition: HostnameCondition;
}

/** Order of generators: the zone's own before those of the global control plane, then the older, then the name. */
export function sortGenerators(generators: readonly Resource[]): readonly Resource[] {
  const isOfZone = (generator: Resource): boolean => generator.labels[labelNames.origin] === 'zone';
  return [...generators].sort((one, other) => {
    if (isOfZone(one) !== isOfZone(other)) return isOfZone(one) ? -1 : 1;
    return compare(one.creationTime, other.creationTime) || compare(one.name, other.name);
  });
}

/**
 * Host names of the services of one mesh and kind, by service name. `generators` come sorted. A host name that two services claim goes to the
 * one that the earlier generator, then the older service, gives it to; the other one's status says so.
 */
export function hostnamesOf(
  selector: ServiceSelector,
  generators: readonly Resource[],
  services: readonly NamedService[],
): ReadonlyMap<string, HostnameStatus> {
  const ordered = [...services].sort(
    (one, other) => compare(one.creationTime, other.creationTime) || compare(one.name, other.name),
  );
  const owners = new Map<string, string>();
  const outcomes = new Map<string, Outcome[]>(ordered.map(({ name }) => [name, []]));
  for (const generator of generators) {
    const { selector: selectors, template = '' } = generator.spec as HostnameGeneratorSpec;
    const labels = selectors?.[selector];
    if (labels === undefined) continue;
    for (const service of ordered) {
      if (!matches(labels.matchLabels ?? {}, service.labels)) continue;
      const outcome = claim(evaluate(template, service), service, owners);
      if (outcome !== undefined) outcomes.get(service.name)?.push({ generator: generator.name, ...outcome });
    }
  }
  return new Map([...outcomes].map(([name, list]) => [name, statusOf(list)]));
}

function claim(
  rendered: { readonly hostname: string } | { readonly problem: string },
  service: NamedService,
  owners: Map<string, string>,
): Omit<Outcome, 'generator'> | undefined {
  if ('problem' in rendered) return { hostname: '', condition: failed('TemplateError', rendered.problem) };
  const { hostname } = rendered;
  if (hostname === '') return undefined;
  const owner = owners.get(hostname);
  if (owner !== undefined && owner !== service.name) {
    // The peer names the service itself here, not the other one; kept, since clients compare the text.
    return { hostname: '', condition: failed('Collision', `Hostname collision with ${service.type}: ${service.name}`) };
  }
  owners.set(hostname, service.name);
  return { hostname, condition: { type: 'Generated', status: 'True', reason: 'Generated', message: '' } };
}

function evaluate(
  template: string,
  service: NamedService,
): { readonly hostname: string } | { readonly problem: string } {
  const parsed = parseGoTemplate(template);
  if ('problem' in parsed) return { problem: `failed compiling gotemplate error=${JSON.stringify(parsed.problem)}` };
  const { labels } = service;
  const hostname = renderGoTemplate(parsed.template, {
    fields: {
      Name: service.name,
      DisplayName: displayNameOf(service),
      Namespace: labels[labelNames.namespace] ?? '',
      Mesh: service.mesh,
      Zone: labels[labelNames.zone] ?? '',
    },
    label: (name) => (Object.hasOwn(labels, name) ? labels[name] : undefined),
  });
  return hostname === undefined ? { problem: missingLabel(template, labels) } : { hostname };
}

// In the words and with the position that Go's templates give, since this text is part of the status.
function missingLabel(template: string, labels: Readonly<Record<string, string>>): string {
  for (const call of template.matchAll(/\{\{-?\s*(label\s+(?:"([^"]*)"|`([^`]*)`))/g)) {
    const name = call[2] ?? call[3] ?? '';
    if (Object.hasOwn(labels, name)) continue;
    const before = template.slice(0, call.index + call[0].length - (call[1]?.length ?? 0));
    const line = before.split('\n').length;
    const column = before.length - (before.lastIndexOf('\n') + 1);
    const error = `template: :${line}:${column}: executing "" at <${call[1]}>: error calling label: label ${name} not found`;
    return `pre evaluation of template with parameters failed with error=${JSON.stringify(error)}`;
  }
  return 'pre evaluation of template with parameters failed: a label is not there';
}

function statusOf(outcomes: readonly Outcome[]): HostnameStatus {
  const sorted = [...outcomes].sort((one, other) => compare(one.generator, other.generator));
  const addresses = sorted
    .filter(({ hostname }) => hostname !== '')
    .map(({ hostname, generator }) => ({
      hostname,
      origin: 'HostnameGenerator' as const,
      hostnameGeneratorRef: { coreName: generator },
    }));
  const hostnameGenerators = sorted.map(({ generator, condition }) => ({
    hostnameGeneratorRef: { coreName: generator },
    conditions: [condition],
  }));
  return {
    ...(addresses.length > 0 && { addresses }),
    ...(hostnameGenerators.length > 0 && { hostnameGenerators }),
  };
}

function failed(reason: 'TemplateError' | 'Collision', message: string): HostnameCondition {
  return { type: 'Generated', status: 'False', reason, message };
}

function matches(wanted: Readonly<Record<string, string>>, labels: Readonly<Record<string, string>>): boolean {
  return Object.entries(wanted).every(([name, value]) => Object.hasOwn(labels, name) && labels[name] === value);
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
