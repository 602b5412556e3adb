// HostnameGenerator: gives host names to services by a template.
import { type Static, Type } from 'typebox';
import { isDnsName } from '../addresses.ts';
import { defineType } from '../define-type.ts';
import { goTemplateProblem, parseGoTemplate, renderGoTemplate } from '../go-template.ts';
import { closed, labelSelector } from '../schema/shapes.ts';
import { collectViolations } from '../violations.ts';

const hostnameGeneratorSpec = closed({
  selector: Type.Optional(
    closed({
      meshService: Type.Optional(labelSelector),
      meshExternalService: Type.Optional(labelSelector),
      meshMultiZoneService: Type.Optional(labelSelector),
    }),
  ),
  template: Type.Optional(Type.String({ description: 'Such as `{{ .DisplayName }}.svc.mesh.local`.' })),
  extension: Type.Optional(closed({ type: Type.String(), config: Type.Optional(Type.Unknown()) })),
});
/** A template, and the services that get a host name by it. */
export type HostnameGeneratorSpec = Static<typeof hostnameGeneratorSpec>;

/** What a template may ask of a service. */
const hostnameFields = ['Name', 'DisplayName', 'Namespace', 'Mesh', 'Zone'] as const;

/** Templates that work, and whose names are of no use, whatever the service is called. */
function templateWarnings(text: string): readonly string[] {
  const parsed = parseGoTemplate(text);
  if ('problem' in parsed) return [];
  const unknown = parsed.template.flatMap((part) =>
    part.kind === 'field' && !hostnameFields.some((field) => field === part.name) ? [part.name] : [],
  );
  if (unknown.length > 0) {
    const known = hostnameFields.map((field) => `.${field}`).join(', ');
    return unknown.map((name) => `spec.template: .${name} prints "<no value>": there are ${known}, and label "…"`);
  }
  const fields = Object.fromEntries(hostnameFields.map((field) => [field, 'x']));
  const sample = renderGoTemplate(parsed.template, { fields, label: () => 'x' }) ?? '';
  return isDnsName(sample) ? [] : [`spec.template: makes names such as "${sample}", which nobody can look up`];
}

/** Resource type of host name generators. */
export const hostnameGenerator = defineType({
  name: 'HostnameGenerator',
  shortName: 'hg',
  scope: 'Global',
  specForm: 'nested',
  spec: hostnameGeneratorSpec,
  validate(spec: HostnameGeneratorSpec) {
    const violations = collectViolations();
    if (Object.keys(spec.selector ?? {}).length !== 1) {
      violations.add('spec.selector', 'exact one selector (meshService, meshExternalService) must be defined');
    }
    const { template = '' } = spec;
    if (template === '') violations.add('spec.template', 'must not be empty');
    const problem = goTemplateProblem(template);
    if (problem !== undefined) violations.add('spec.template', `couldn't parse template: ${problem}`);
    if (spec.extension?.type === '') violations.add('spec.extension.type', 'must not be empty');
    return violations.all;
  },
  // An extension of the peer's names code of its builds; names are made from the template alone here.
  warn: ({ extension, template = '' }: HostnameGeneratorSpec) => [
    ...templateWarnings(template),
    ...(extension === undefined
      ? []
      : [
          `spec.extension: "${extension.type}" has no effect: host names are made from spec.template alone; leave it out`,
        ]),
  ],
});
