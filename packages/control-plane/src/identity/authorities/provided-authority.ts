// Backends of type `provided`: the user brings certificate and key, in Secrets, in files of the control plane's machine, or in the Mesh itself.
import { validateAuthorityPair } from './authority.ts';
import { defineCertificateAuthority, type SourceContents } from './define-authority.ts';
import { openLocalAuthority, prepareLocalAuthority } from './local-authority.ts';

const pairOf = ({ cert = '', key = '' }: SourceContents) => ({ certificate: cert, privateKey: key });

/** The type `provided`. */
export const providedAuthority = defineCertificateAuthority({
  type: 'provided',
  sources: ({ cert, key }) => ({ cert, key }),
  validate: (_conf, contents) => validateAuthorityPair(pairOf(contents)),
  prepare(_conf, contents) {
    const pair = pairOf(contents);
    const [violation] = validateAuthorityPair(pair);
    return violation === undefined
      ? prepareLocalAuthority(pair)
      : { fault: `conf.${violation.field}: ${violation.message}` };
  },
  open: openLocalAuthority,
});
