// Host names of services: which HostnameGenerators apply to which service, and what comes out.
import {
  displayNameOf,
  type HostnameGeneratorSpec,
  labelNames,
  parseGoTemplate,
  type Resource,
  renderGoTemplate,
} from '@ursa/resources';

/** Kinds of services that get host names, and what the selectors of generators call them. */
const selectorOfType: Readonly<Record<string, keyof NonNullable<HostnameGeneratorSpec['selector']>>> = {
  MeshService: 'meshService',
  MeshExternalService: 'meshExternalService',
  MeshMultiZoneService: 'meshMultiZoneService',
};

/** Types of services that get host names. */
export const namedTypes: readonly string[] = Object.keys(selectorOfType);

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

/** A service within its mesh. */
export function nameKeyOf({ type, name }: Pick<NamedService, 'type' | 'name'>): string {
  return `${type}/${name}`;
}

/** Who has a host name, and by which generator. */
interface Owner {
  readonly service: NamedService;
  readonly generator: string;
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
 * Host names of the services of one mesh, of all kinds, by `nameKeyOf`. `generators` come sorted. A host name that two services claim goes to the
 * one that the earlier generator, then the older service, gives it to; the other one's status says so.
 */
export function hostnamesOf(
  generators: readonly Resource[],
  services: readonly NamedService[],
): ReadonlyMap<string, HostnameStatus> {
  const ordered = [...services].sort(
    (one, other) => compare(one.creationTime, other.creationTime) || compare(one.name, other.name),
  );
  const owners = new Map<string, Owner>();
  const outcomes = new Map<string, Outcome[]>(ordered.map((service) => [nameKeyOf(service), []]));
  for (const generator of generators) {
    const { selector: selectors = {}, template = '' } = generator.spec as HostnameGeneratorSpec;
    for (const service of ordered) {
      const selector = selectorOfType[service.type];
      const labels = selector === undefined ? undefined : selectors[selector];
      if (labels === undefined || !matches(labels.matchLabels ?? {}, service.labels)) continue;
      const outcome = claim(evaluate(template, service), { service, generator: generator.name }, owners);
      if (outcome !== undefined) outcomes.get(nameKeyOf(service))?.push({ generator: generator.name, ...outcome });
    }
  }
  return new Map([...outcomes].map(([key, list]) => [key, statusOf(list)]));
}

function claim(
  rendered: { readonly hostname: string } | { readonly problem: string },
  claimant: Owner,
  owners: Map<string, Owner>,
): Omit<Outcome, 'generator'> | undefined {
  if ('problem' in rendered) return { hostname: '', condition: failed('TemplateError', rendered.problem) };
  const { hostname } = rendered;
  if (hostname === '') return undefined;
  const owner = owners.get(hostname);
  if (owner !== undefined && nameKeyOf(owner.service) !== nameKeyOf(claimant.service)) {
    const { type, name } = owner.service;
    const message = `Hostname collision with ${type}: ${name}, which has ${hostname} by HostnameGenerator ${owner.generator}`;
    return { hostname: '', condition: failed('Collision', message) };
  }
  if (owner === undefined) owners.set(hostname, claimant);
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
