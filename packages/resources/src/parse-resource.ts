// The border: a document from a user, a file or a peer becomes a resource draft, or an error that names each wrong field.
import { MeshError, type Violation } from './error.ts';
import { type LabelContext, labelViolations } from './labels.ts';
import type { ResourceDraft } from './resource.ts';
import { type ParsedEnvelope, parseEnvelope } from './resource-envelope.ts';
import { meshNameProblem, nameProblem } from './resource-names.ts';
import type { ResourceType, ResourceTypes } from './resource-type.ts';
import { type Findings, toViolations } from './schema/findings.ts';
import { suggestionFor } from './schema/suggestion.ts';

/** What the caller knows already (from the request's path), and what the control plane demands of labels. */
export interface ParseExpectation {
  readonly type?: string;
  readonly mesh?: string;
  readonly name?: string;
  readonly labels?: LabelContext;
}

/**
 * Parses a document in its universal form (`type`, `mesh`, `name`, …) or as a Kubernetes object (`apiVersion`, `kind`, `metadata`).
 * The spec comes back in normal form (see `compileSchema`) with the type's defaults filled in.
 *
 * Throws `MeshError` 'invalid' with all violations of the first step that fails: the shape, then names and labels, then the type's own
 * rules; 'malformed' when a value cannot be read (`12 parsecs` for a duration), with the text the peers use.
 */
export function parseResource(types: ResourceTypes, document: unknown, expected: ParseExpectation = {}): ResourceDraft {
  const findings: Findings = [];
  const envelope = parseEnvelope(document, (given, field) => typeOf(types, given, field, expected), findings);
  refuse(envelope.type, findings);
  const draft: ResourceDraft = {
    type: envelope.type.name,
    mesh: envelope.type.scope === 'Mesh' ? envelope.mesh : '',
    name: envelope.name,
    labels: envelope.labels,
    spec: envelope.spec,
  };
  refuseViolations(envelope.type, draft, [
    ...expectationViolations(envelope, expected),
    ...labelViolations(envelope.type, draft, expected.labels),
    ...nameViolations(envelope.type, draft),
  ]);
  return validateResource(envelope.type, draft);
}

/** Fills in the type's defaults and applies its own rules. Throws `MeshError` 'invalid'. For specs that are known to fit the schema. */
export function validateResource(type: ResourceType, draft: ResourceDraft): ResourceDraft {
  const context = { mesh: draft.mesh, name: draft.name, labels: draft.labels };
  const normal = type.normalize === undefined ? draft : { ...draft, spec: type.normalize(draft.spec, context) };
  refuseViolations(type, normal, type.validate?.(normal.spec as never, context) ?? []);
  return normal;
}

const missingType = {
  type: 'has to be set to the type of the resource, such as Dataplane',
  kind: 'has to be set to the type of the resource, such as Dataplane',
  apiVersion: 'has to be kuma.io/v1alpha1 in a document with kind; one without has type, mesh and name at the top',
};

function typeOf(
  types: ResourceTypes,
  given: unknown,
  field: keyof typeof missingType,
  expected: ParseExpectation,
): ResourceType {
  const name = expected.type ?? given;
  const type = typeof name === 'string' ? types.byName(name) : undefined;
  if (type !== undefined) return type;
  const names = types.all.map((known) => known.name);
  const message =
    typeof name === 'string' && name !== ''
      ? `unknown resource type ${JSON.stringify(name.slice(0, 100))}; ${suggestionFor(name, names)}`
      : missingType[field];
  throw new MeshError('invalid', `${field}: ${message}`, { violations: [{ field, message }] });
}

function expectationViolations(envelope: ParsedEnvelope, expected: ParseExpectation): Violation[] {
  const violations: Violation[] = [];
  const compare = (field: string, given: unknown, wanted: string | undefined): void => {
    if (wanted !== undefined && given !== wanted) {
      violations.push({ field, message: `${field} from the URL has to be the same as in body` });
    }
  };
  compare('name', envelope.name, expected.name);
  compare('type', envelope.givenType, expected.type);
  if (envelope.type.scope === 'Mesh') compare('mesh', envelope.mesh, expected.mesh);
  return violations;
}

function nameViolations(type: ResourceType, draft: ResourceDraft): Violation[] {
  const violations: Violation[] = [];
  const add = (field: string, message: string | undefined): void => {
    if (message !== undefined) violations.push({ field, message });
  };
  add('name', nameProblem(draft.name));
  if (type.scope === 'Mesh') add('mesh', meshNameProblem(draft.mesh));
  return violations;
}

function refuse(type: ResourceType, findings: Findings): void {
  const unreadable = findings.find((finding) => finding.unreadable);
  if (unreadable !== undefined && findings.every((finding) => finding.unreadable)) {
    throw new MeshError('malformed', `invalid ${type.name} object: ${JSON.stringify(unreadable.message)}`, {
      violations: toViolations(findings),
    });
  }
  // The peers look at the shape first: what cannot be read is reported once the shape is right.
  refuseViolations(type, undefined, toViolations(findings.filter((finding) => !finding.unreadable)));
}

function refuseViolations(
  type: ResourceType,
  draft: ResourceDraft | undefined,
  violations: readonly Violation[],
): void {
  const [first] = violations;
  if (first === undefined) return;
  const more = violations.length === 1 ? '' : ` (and ${violations.length - 1} more)`;
  const name = draft === undefined ? type.name : `${type.name} ${JSON.stringify(draft.name.slice(0, 100))}`;
  const place = first.field === '' ? '' : `${first.field}: `;
  throw new MeshError('invalid', `${name} is not valid: ${place}${first.message}${more}`, { violations });
}
