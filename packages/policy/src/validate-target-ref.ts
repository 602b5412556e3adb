// Which fields a `targetRef` may have, by its kind and the place it stands in (features G1 to G4).
import { formatKey, type TargetRef, type TargetRefKind } from '@ursa/resources';
import type { Report } from './report.ts';

/** What one place allows. */
export interface TargetRefRules {
  readonly kinds: readonly TargetRefKind[];
  /** True when an inbound may be named: at the top of a policy for received traffic. */
  readonly inboundSection: boolean;
  /** True when a MeshGateway may be narrowed to listeners by tags. */
  readonly listenerTags: boolean;
}

type Field = Exclude<keyof TargetRef, 'kind'>;

// Fields that a kind cannot have, in the order in which they are reported.
const refusedFields: Readonly<Record<TargetRefKind, readonly Field[]>> = {
  Mesh: ['mesh', 'tags', 'labels', 'namespace', 'sectionName'],
  Dataplane: ['tags', 'mesh', 'proxyTypes'],
  MeshSubset: ['name', 'mesh', 'labels', 'namespace', 'sectionName'],
  MeshService: ['mesh', 'tags', 'proxyTypes'],
  MeshHTTPRoute: ['mesh', 'tags', 'proxyTypes', 'sectionName'],
  MeshExternalService: ['mesh', 'tags', 'proxyTypes', 'sectionName'],
  MeshMultiZoneService: ['mesh', 'tags', 'proxyTypes'],
  MeshServiceSubset: ['mesh', 'proxyTypes', 'labels', 'namespace', 'sectionName'],
  MeshGateway: ['mesh', 'proxyTypes', 'labels', 'namespace', 'sectionName'],
};

const namedOrLabelled: ReadonlySet<TargetRefKind> = new Set([
  'MeshService',
  'MeshHTTPRoute',
  'MeshExternalService',
  'MeshMultiZoneService',
]);

const namePattern = /^[0-9a-z.\-_]*$/;

/** Reports what is wrong with a reference; fields are relative to the reference. */
export function validateTargetRef(targetRef: TargetRef, rules: TargetRefRules, report: Report): void {
  const { kind } = targetRef;
  if (!rules.kinds.includes(kind)) {
    report.add('kind', `value '${kind}' is not supported`);
    return;
  }
  if (kind === 'Mesh' && isSet(targetRef.name)) {
    report.add('name', 'using name with kind Mesh is not yet supported');
  }
  if (kind !== 'Mesh' && kind !== 'MeshSubset') validateName(targetRef, report);
  const refused = refusedFields[kind].concat(kind === 'MeshGateway' && !rules.listenerTags ? ['tags'] : []);
  for (const field of refused) {
    if (isSet(targetRef[field])) report.add(field, `must not be set with kind ${kind}`);
  }
  validateIdentity(targetRef, report);
  if (kind === 'Dataplane' && isSet(targetRef.sectionName) && !rules.inboundSection) {
    report.add('sectionName', 'can only be used with inbound policies');
  }
  validateTags(targetRef.tags ?? {}, report);
}

function validateIdentity(targetRef: TargetRef, report: Report): void {
  const { kind, name, namespace, labels } = targetRef;
  const byName = isSet(name) || isSet(namespace);
  if (kind === 'MeshServiceSubset' || kind === 'MeshGateway') {
    if (!isSet(name)) report.add('name', `must be set with kind ${kind}`);
  } else if (namedOrLabelled.has(kind) && !isSet(name) && !isSet(labels)) {
    report.add('', `name or labels must be set when kind is ${kind}`);
  }
  const eitherOr = kind === 'Dataplane' || namedOrLabelled.has(kind);
  if (eitherOr && isSet(labels) && byName) {
    const what = kind === 'MeshExternalService' ? 'name' : 'name and namespace';
    report.add('labels', `either labels or ${what} must be specified`);
  }
}

function validateName(targetRef: TargetRef, report: Report): void {
  if (targetRef.name !== undefined && !namePattern.test(targetRef.name)) {
    report.add('name', "invalid characters: must consist of lower case alphanumeric characters, '-', '.' and '_'.");
  }
}

function validateTags(tags: Readonly<Record<string, string>>, report: Report): void {
  for (const [key, value] of Object.entries(tags)) {
    const field = `tags${formatKey(key)}`;
    if (!/^[a-zA-Z0-9.\-_:/]+$/.test(key)) {
      report.add(field, 'tag name must consist of alphanumeric characters, dots, dashes, slashes and underscores');
    }
    if (value === '') report.add(field, 'tag value must be non-empty');
    else if (!/^(\*|[a-zA-Z0-9.\-_:]+)$/.test(value)) {
      report.add(field, 'tag value must consist of alphanumeric characters, dots, dashes and underscores or be "*"');
    }
  }
}

function isSet(value: TargetRef[Field]): boolean {
  return value !== undefined && value !== '' && Object.keys(value).length > 0;
}
