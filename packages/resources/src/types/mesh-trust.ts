// MeshTrust: the certificates by which a trust domain is recognized.
import { type Static, Type } from 'typebox';
import { defineType } from '../define-type.ts';
import { closed, oneOf, optionalText } from '../schema/shapes.ts';
import { collectViolations } from '../violations.ts';

const origin = Type.Optional(closed({ kri: optionalText }));

const meshTrustSpec = closed({
  origin,
  trustDomain: Type.String(),
  caBundles: Type.Array(closed({ type: oneOf('Pem'), pem: Type.Optional(closed({ value: Type.String() })) }), {
    minItems: 1,
  }),
});
/** A trust domain and its CA certificates. */
export type MeshTrustSpec = Static<typeof meshTrustSpec>;

const meshTrustStatus = closed({ origin });
/** What the trust was made from. */
export type MeshTrustStatus = Static<typeof meshTrustStatus>;

/** Resource type of trust bundles. */
export const meshTrust = defineType({
  name: 'MeshTrust',
  shortName: 'mtrust',
  specForm: 'nested',
  spec: meshTrustSpec,
  status: meshTrustStatus,
  validate(spec: MeshTrustSpec) {
    const violations = collectViolations();
    for (const [index, bundle] of spec.caBundles.entries()) {
      const field = `spec.caBundles[${index}].pem`;
      if (bundle.pem === undefined) violations.add(field, 'must be defined');
      else if (!isPemCertificate(bundle.pem.value))
        violations.add(`${field}.value`, 'provided certificate has incorrect format');
    }
    if (spec.trustDomain === '') violations.add('spec.trustDomain', 'trustDomain needs to be defined');
    if (spec.trustDomain.length > 253) violations.add('spec.trustDomain', 'must not be longer than 253 characters');
    return violations.all;
  },
  warn: (spec: MeshTrustSpec) => (spec.origin === undefined ? [] : ['setting spec.origin field is deprecated']),
});

/** A PEM block that is not a key; what is in it is looked at when it is used. */
function isPemCertificate(text: string): boolean {
  const block = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]+?-----END \1-----/.exec(text);
  return block?.[1] !== undefined && !block[1].endsWith('PRIVATE KEY');
}
