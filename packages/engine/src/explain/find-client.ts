// Who asks: the proxy that a name means, be it of a Dataplane, of a service or of a workload.
import { closestName, labelNames } from '@ursa/resources';
import type { DataplaneFacts } from '../dataplane-facts.ts';
import { type Finding, finding } from '../lint/finding.ts';
import { dataplanesIn, type ExplainParts, servicesOf } from './explain-parts.ts';
import type { Question } from './explanation.ts';

/** The proxies that a name means: the Dataplane of that name alone, or all of a service or workload. */
export function proxiesNamed(parts: ExplainParts, mesh: string, name: string): readonly DataplaneFacts[] {
  const all = dataplanesIn(parts, mesh);
  const exact = all.filter((facts) => facts.name === name);
  if (exact.length > 0) return exact;
  const serving = all.filter((facts) => servicesOf(facts).includes(name));
  return serving.length > 0 ? serving : all.filter(({ labels }) => labels[labelNames.workload] === name);
}

/** Why a name means no proxy. */
export function clientMissing(parts: ExplainParts, { mesh, from }: Question): Finding {
  const facts = parts.meshFacts.get(mesh);
  if (facts === undefined) {
    const meshes = parts.inputs
      .resources('Mesh')
      .keys()
      .map((key) => key.slice(1));
    const known = meshes.length === 0 ? 'there is none yet' : `there are: ${meshes.join(', ')}`;
    return finding('mesh-missing', `there is no mesh ${quote(mesh)}`, `name one with --mesh (${known})`);
  }
  const everyone = dataplanesIn(parts, mesh);
  const names = [...everyone.map(({ name }) => name), ...everyone.flatMap(servicesOf)];
  const close = closestName(from, names);
  const advice = close === undefined ? '' : `did you mean ${quote(close)}? Otherwise `;
  const consequence =
    facts.mtls === undefined || facts.mtls.permissive
      ? 'what it sends is not shaped by any policy'
      : 'mTLS is STRICT, so that servers refuse its plain text';
  return finding(
    'client-not-in-mesh',
    `${quote(from)} is no Dataplane, service or workload of the mesh ${quote(mesh)}: ${consequence}`,
    `${advice}start a proxy for it (kuma-dp run)${facts.mtls === undefined ? '' : ', or set the mesh to PERMISSIVE meanwhile'}`,
  );
}

function quote(text: string): string {
  return JSON.stringify(text.slice(0, 100));
}
