// The envelope around a spec: two wire forms (universal, Kubernetes) read into one shape, every field checked by name.

import { Type } from 'typebox';
import { labelNames } from './label-names.ts';
import type { Labels } from './resource.ts';
import type { ResourceType } from './resource-type.ts';
import { compileSchema, type SchemaCheck } from './schema/compile-schema.ts';
import { addFinding, type Findings, isFull, prefixField } from './schema/findings.ts';
import { addPlaces } from './schema/misplaced-fields.ts';
import type { SchemaNode } from './schema/schema-node.ts';
import { closed, stringMap } from './schema/shapes.ts';
import { suggestionFor } from './schema/suggestion.ts';
import { wrongType } from './schema/wrong-type.ts';

/** An envelope whose spec fits its schema, if there are no findings. */
export interface ParsedEnvelope {
  readonly type: ResourceType;
  /** The type as the document says it. */
  readonly givenType: unknown;
  readonly mesh: string;
  readonly name: string;
  readonly labels: Labels;
  readonly spec: unknown;
}

/** Fields beside the spec that a document may carry; those after `labels` are written by the control plane and ignored when given. */
const envelopeFields = ['type', 'mesh', 'name', 'labels', 'creationTime', 'modificationTime', 'kri', 'snis'] as const;
const nestedFields = new Set<string>([...envelopeFields, 'spec', 'status', 'apiVersion']);
const kubernetesFields = new Set(['apiVersion', 'kind', 'mesh', 'metadata', 'spec', 'status']);
const kubernetesSecretFields = new Set(['apiVersion', 'kind', 'metadata', 'data', 'type']);

type Document = Readonly<Record<string, unknown>>;

/** The type that a document gives in one of its fields. */
type TypeOf = (given: unknown, field: 'type' | 'kind' | 'apiVersion') => ResourceType;

/** Reads a document in either form. What is wrong is added to the findings. */
export function parseEnvelope(document: unknown, typeOf: TypeOf, findings: Findings): ParsedEnvelope {
  const given = isObject(document) ? document : {};
  if (isKubernetes(given)) return parseKubernetes(given, typeOf, findings);
  const isCutOff = 'kind' in given && !('type' in given);
  const type = typeOf(given.type, isCutOff ? 'apiVersion' : 'type');
  if (!isObject(document)) wrongType('object', document, findings);
  const { mesh, name, labels } = given;
  return {
    type,
    givenType: given.type,
    mesh: textOf(mesh, 'mesh', findings),
    name: textOf(name, 'name', findings),
    labels: labelsOf(labels, 'labels', findings),
    spec:
      type.specForm === 'inline' ? inlineSpec(type, given, findings) : nestedSpec(type, given, nestedFields, findings),
  };
}

/** Examples of the universal form are published with an `apiVersion` above `type`; it says nothing there. */
function isKubernetes(given: Document): boolean {
  return 'apiVersion' in given && ('kind' in given || !('type' in given));
}

function parseKubernetes(given: Document, typeOf: TypeOf, findings: Findings): ParsedEnvelope {
  const isSecret = given.apiVersion === 'v1' && given.kind === 'Secret';
  const kind = isSecret && given.type === 'system.kuma.io/global-secret' ? 'GlobalSecret' : given.kind;
  const type = typeOf(kind, 'kind');
  const start = findings.length;
  const metadata = checkMetadata(given.metadata ?? {}, findings) as KubernetesMetadata | undefined;
  prefixField(findings, start, 'metadata');
  const labels = metadata?.labels ?? {};
  return {
    type,
    givenType: kind,
    mesh: textOf(given.mesh ?? labels[labelNames.mesh] ?? 'default', 'mesh', findings),
    name: metadata?.name ?? '',
    labels,
    spec: isSecret ? secretSpec(type, given, findings) : nestedSpec(type, given, kubernetesFields, findings),
  };
}

/** A cluster keeps a secret's bytes under the key `value` of an ordinary Secret. */
function secretSpec(type: ResourceType, given: Document, findings: Findings): unknown {
  const data = isObject(given.data) ? given.data : {};
  for (const key of Object.keys(data))
    if (key !== 'value') addFinding(findings, 'unknown field; known here: value', `data.${key.slice(0, 300)}`);
  return nestedSpec(
    type,
    { ...given, spec: { data: data.value } },
    new Set([...kubernetesSecretFields, 'spec']),
    findings,
  );
}

interface KubernetesMetadata {
  readonly name?: string;
  readonly labels?: Labels;
}

const text = Type.Optional(Type.String());
const checkMetadata = compileSchema(
  closed({
    name: text,
    namespace: text,
    labels: Type.Optional(stringMap()),
    annotations: Type.Optional(stringMap()),
    creationTimestamp: text,
    uid: text,
    resourceVersion: text,
    generation: Type.Optional(Type.Integer()),
    ownerReferences: Type.Optional(Type.Array(Type.Unknown())),
    managedFields: Type.Optional(Type.Array(Type.Unknown())),
    finalizers: Type.Optional(Type.Array(Type.String())),
  }),
  'json',
);
const checkLabels = compileSchema(stringMap(), 'json');

/** The spec's fields lie beside those of the envelope. */
function inlineSpec(type: ResourceType, given: Document, findings: Findings): unknown {
  const {
    type: _type,
    mesh: _mesh,
    name: _name,
    labels: _labels,
    creationTime,
    modificationTime,
    kri,
    snis,
    apiVersion,
    ...spec
  } = given;
  const start = findings.length;
  const { spec: nested, ...beside } = spec;
  const checked = specCheck(type)(beside, findings);
  if (findings.length > start) addPlaces(type.spec as SchemaNode, findings, start);
  if (nested !== undefined)
    addFinding(findings, `unknown field; the fields of a ${type.name} stand beside its name`, 'spec');
  return checked;
}

function nestedSpec(type: ResourceType, given: Document, known: ReadonlySet<string>, findings: Findings): unknown {
  for (const key of Object.keys(given)) {
    if (isFull(findings)) break;
    if (!known.has(key)) addFinding(findings, `unknown field; ${hintFor(type, key, known)}`, key.slice(0, 300));
  }
  const start = findings.length;
  const spec = specCheck(type)(given.spec ?? {}, findings);
  if (findings.length > start) {
    prefixField(findings, start, 'spec');
    addPlaces(rootOf(type), findings, start);
  }
  return spec;
}

const roots = new WeakMap<ResourceType, SchemaNode>();

/** The spec's schema below the property `spec`, as the findings name it. */
function rootOf(type: ResourceType): SchemaNode {
  const root = roots.get(type) ?? { properties: { spec: type.spec as SchemaNode } };
  roots.set(type, root);
  return root;
}

function hintFor(type: ResourceType, key: string, known: ReadonlySet<string>): string {
  if (key in ((type.spec as SchemaNode).properties ?? {})) return `${JSON.stringify(key)} belongs into spec`;
  if (key === 'metadata')
    return 'name, mesh and labels stand at the top; a document with metadata has apiVersion: kuma.io/v1alpha1, and kind instead of type';
  return suggestionFor(key, [...known]);
}

const specChecks = new WeakMap<ResourceType, SchemaCheck>();

/** Compiled once per type, when its first document arrives. */
function specCheck(type: ResourceType): SchemaCheck {
  let check = specChecks.get(type);
  if (check === undefined) {
    check =
      type.specForm === 'inline' ? compileSchema(type.spec, 'proto', envelopeFields) : compileSchema(type.spec, 'json');
    specChecks.set(type, check);
  }
  return check;
}

function textOf(value: unknown, field: string, findings: Findings): string {
  if (typeof value === 'string') return value;
  if (value === undefined || value === null) return '';
  const start = findings.length;
  wrongType('string', value, findings);
  prefixField(findings, start, field);
  return '';
}

function labelsOf(value: unknown, field: string, findings: Findings): Labels {
  if (value === undefined || value === null) return {};
  const start = findings.length;
  const labels = checkLabels(value, findings);
  if (findings.length > start) prefixField(findings, start, field);
  return (labels ?? {}) as Labels;
}

function isObject(value: unknown): value is Document {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
