// Which MeshIdentity speaks for a proxy, and the SPIFFE ID that it gives. Asked by the engine, by generators and by offline commands alike.
import { type GoTemplateData, parseGoTemplate, renderGoTemplate } from './go-template.ts';
import { displayNameOf, formatKri } from './kri.ts';
import { labelNames } from './label-names.ts';
import type { Resource } from './resource.ts';
import type { MeshIdentitySpec, MeshIdentityStatus } from './types/mesh-identity.ts';

type Labels = Readonly<Record<string, string>>;

/** What templates of a MeshIdentity are filled in from. */
export interface IdentityContext {
  readonly mesh: string;
  /** The zone of the control plane. */
  readonly zone: string;
  readonly environment: 'universal' | 'kubernetes';
}

/** A SPIFFE ID, or why a proxy gets none. */
export type SpiffeIdResult = { readonly id: string; readonly trustDomain: string } | { readonly problem: string };

const defaultTrustDomain = '{{ .Mesh }}.{{ .Zone }}.mesh.local';
const defaultPaths = {
  universal: '/workload/{{ .Workload }}',
  kubernetes: '/ns/{{ .Namespace }}/sa/{{ .ServiceAccount }}',
} as const;

/** The identity of those given that speaks for labels: the one that asks for most of them, then the first by name. Without a selector it speaks for nobody. */
export function selectMeshIdentity<Identity extends Pick<Resource, 'name' | 'spec'>>(
  identities: readonly Identity[],
  labels: Labels,
): Identity | undefined {
  let best: { readonly identity: Identity; readonly count: number } | undefined;
  for (const identity of identities) {
    const dataplane = (identity.spec as MeshIdentitySpec).selector?.dataplane;
    if (dataplane === undefined) continue;
    const wanted = Object.entries(dataplane.matchLabels ?? {});
    if (!wanted.every(([label, value]) => labels[label] === value)) continue;
    const stronger =
      best === undefined ||
      wanted.length > best.count ||
      (wanted.length === best.count && identity.name < best.identity.name);
    if (stronger) best = { identity, count: wanted.length };
  }
  return best?.identity;
}

/** True once the mesh trusts what an identity issues: before that nobody would believe its certificates. */
export function isIdentityReady(identity: Pick<Resource, 'status'>): boolean {
  const { conditions = [] } = (identity.status ?? {}) as MeshIdentityStatus;
  return conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
}

/** The status of an identity that is ready, for meshes without a control plane. */
export const readyIdentityStatus: MeshIdentityStatus = {
  conditions: [{ type: 'Ready', status: 'True', reason: 'Presumed', message: 'Presumed to be ready' }],
};

/** KRI of a MeshIdentity: the name of its certificates in Envoy, and of their issuer in insights. */
export function meshIdentityKri({ mesh, name, labels }: Pick<Resource, 'mesh' | 'name' | 'labels'>): string {
  const zone = labels[labelNames.zone] ?? '';
  const namespace = labels[labelNames.namespace] ?? '';
  return formatKri({ type: 'mid', mesh, zone, namespace, name: displayNameOf({ name, labels }), section: '' });
}

/** Whether who issued a certificate is a MeshIdentity, and no mTLS backend of a Mesh. */
export function isMeshIdentityKri(issuer: string): boolean {
  return issuer.startsWith('kri_mid_');
}

/** The trust domain of an identity. */
export function trustDomainOf(
  spec: MeshIdentitySpec,
  { mesh, zone }: IdentityContext,
): { readonly trustDomain: string } | { readonly problem: string } {
  const rendered = render(spec.spiffeID?.trustDomain ?? defaultTrustDomain, { fields: { Mesh: mesh, Zone: zone } });
  if ('problem' in rendered) return { problem: `spec.spiffeID.trustDomain: ${rendered.problem}` };
  const trustDomain = rendered.text;
  if (!/^[a-z0-9._-]{1,255}$/.test(trustDomain)) {
    const shown = JSON.stringify(trustDomain);
    const problem = `spec.spiffeID.trustDomain: ${shown} is no trust domain: it takes lower case letters, digits, dots, dashes and underscores`;
    return { problem };
  }
  return { trustDomain };
}

/** The SPIFFE ID that an identity gives a Dataplane with these labels. */
export function spiffeIdOf(spec: MeshIdentitySpec, labels: Labels, context: IdentityContext): SpiffeIdResult {
  const domain = trustDomainOf(spec, context);
  if ('problem' in domain) return domain;
  const { mesh, zone, environment } = context;
  const known = {
    Workload: labelNames.workload,
    Namespace: labelNames.namespace,
    ServiceAccount: labelNames.serviceAccount,
  };
  const fields: Record<string, string> = { Mesh: mesh, Zone: zone };
  for (const [field, label] of Object.entries(known)) {
    const value = labels[label];
    if (value !== undefined && value !== '') fields[field] = value;
  }
  const label = (name: string): string | undefined => labels[name];
  const path = render(spec.spiffeID?.path ?? defaultPaths[environment], { fields, label }, known);
  if ('problem' in path) return { problem: `spec.spiffeID.path: ${path.problem}` };
  const text = path.text.startsWith('/') ? path.text : `/${path.text}`;
  const segments = text.slice(1).split('/');
  if (!segments.every((segment) => /^[a-zA-Z0-9._-]+$/.test(segment) && segment !== '.' && segment !== '..')) {
    const shown = JSON.stringify(text);
    return {
      problem: `spec.spiffeID.path: ${shown} is no path of a SPIFFE ID: its segments take letters, digits, dots, dashes and underscores`,
    };
  }
  return { id: `spiffe://${domain.trustDomain}${text}`, trustDomain: domain.trustDomain };
}

function render(
  template: string,
  data: GoTemplateData,
  labelsOfFields: Readonly<Record<string, string>> = {},
): { readonly text: string } | { readonly problem: string } {
  const parsed = parseGoTemplate(template);
  if ('problem' in parsed) return { problem: `couldn't parse template: ${parsed.problem}` };
  for (const part of parsed.template) {
    if (part.kind === 'field' && !Object.hasOwn(data.fields, part.name)) {
      const label = labelsOfFields[part.name];
      const why = label === undefined ? 'there is no such field' : `the proxy has no label ${label}`;
      return { problem: `{{ .${part.name} }} has no value: ${why}` };
    }
    if (part.kind === 'label' && data.label?.(part.name) === undefined)
      return { problem: `{{ label ${JSON.stringify(part.name)} }} has no value: the proxy has no label ${part.name}` };
  }
  return { text: renderGoTemplate(parsed.template, data) ?? '' };
}
