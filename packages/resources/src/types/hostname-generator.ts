// HostnameGenerator: gives host names to services by a template.
import { type Static, Type } from 'typebox';
import { defineType } from '../define-type.ts';
import { goTemplateProblem } from '../go-template.ts';
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
  warn: ({ extension }: HostnameGeneratorSpec) =>
    extension === undefined
      ? []
      : [
          `spec.extension: "${extension.type}" has no effect: host names are made from spec.template alone; leave it out`,
        ],
});
