// VirtualOutbound: host names and ports for services, made from their tags.
import { type Static, Type } from 'typebox';
import { isDnsName } from '../addresses.ts';
import { defineType, legacyPolicy } from '../define-type.ts';
import { parseGoTemplate, renderGoTemplate } from '../go-template.ts';
import { tagNames } from '../label-names.ts';
import { closed, optionalText, tagSelector } from '../schema/shapes.ts';
import { checkSelectors } from '../tags.ts';
import { collectViolations, type ViolationList } from '../violations.ts';

const virtualOutboundSpec = closed({
  selectors: Type.Optional(Type.Array(tagSelector)),
  conf: Type.Optional(
    closed({
      host: optionalText,
      port: optionalText,
      parameters: Type.Optional(Type.Array(closed({ name: optionalText, tagKey: optionalText }))),
    }),
  ),
});
/** How host names and ports are made from tags. */
export type VirtualOutboundSpec = Static<typeof virtualOutboundSpec>;

/** Resource type of virtual outbounds. */
export const virtualOutbound = defineType({
  name: 'VirtualOutbound',
  pathStyle: 'hyphenated',
  specForm: 'inline',
  policy: legacyPolicy,
  idle: { when: 'always', advice: 'use a HostnameGenerator' },
  providedByZone: false,
  spec: virtualOutboundSpec,
  validate({ selectors, conf }: VirtualOutboundSpec) {
    const violations = collectViolations();
    checkSelectors(violations, 'selectors', selectors);
    if (conf === undefined) {
      violations.add('conf', 'has to be defined');
      return violations.all;
    }
    const fields: Record<string, string> = {};
    for (const [index, { name = '' }] of (conf.parameters ?? []).entries()) {
      if (!/^[a-zA-Z0-9]+$/.test(name))
        violations.add(`conf.parameters[${index}].name`, 'must contain only alphanumeric characters');
      if (Object.hasOwn(fields, name)) violations.add(`conf.parameters[${index}].name`, `name is already used`);
      // A number is both a host name's label and a port.
      fields[name] = '1';
    }
    if (!(conf.parameters ?? []).some(({ name, tagKey }) => (tagKey ?? name) === tagNames.service)) {
      violations.add('conf.parameters', 'must contain a parameter with kuma.io/service as a tagKey');
    }
    checkTemplate(violations, 'conf.host', conf.host ?? '', fields, isDnsName, "didn't return a valid dns name");
    checkTemplate(violations, 'conf.port', conf.port ?? '', fields, isPort, "didn't evaluate to a parsable number");
    return violations.all;
  },
});

function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65535;
}

function checkTemplate(
  violations: ViolationList,
  field: string,
  text: string,
  fields: Readonly<Record<string, string>>,
  accepts: (rendered: string) => boolean,
  complaint: string,
): void {
  const parsed = parseGoTemplate(text);
  if ('problem' in parsed) {
    violations.add(field, `template pre evaluation failed with error=${JSON.stringify(parsed.problem)}`);
    return;
  }
  const rendered = renderGoTemplate(parsed.template, { fields }) ?? '';
  if (accepts(rendered)) return;
  const problem = `evaluation of template with parameters ${complaint} result="${rendered}"`;
  violations.add(field, `template pre evaluation failed with error=${JSON.stringify(problem)}`);
}
