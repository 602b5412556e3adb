// Backends of type `acmpca`: certificates are signed by an authority of AWS Private CA. Keys are made here and never leave the control plane but to their
// proxy; over there goes a request for a certificate.
import { randomUUID, type X509Certificate } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { type AcmConf, MeshError } from '@ursa/resources';
import { requestLeaf } from '../../certificates/certificate.ts';
import { generateKeys, readPrivateKey } from '../../certificates/key-pair.ts';
import { textIn } from '../answer-fields.ts';
import { awsEndpoint, placeOfArn } from '../aws/aws-arn.ts';
import { type AwsKeys, keySources, keysIn, openAwsIdentity } from '../aws/aws-identity.ts';
import { validateClientPair } from '../client-pair.ts';
import { commonNameOf } from '../common-name.ts';
import {
  type AuthorityConf,
  defineCertificateAuthority,
  type LeafRequest,
  type OpenAuthority,
} from '../define-authority.ts';
import { createHttpClient } from '../http-client.ts';
import { anchorsOf, isVerifiedBy, joinCertificates, parseCertificates, signedLeaf } from '../issued-certificate.ts';
import { type AcmClient, createAcmClient } from './acm-client.ts';

/** Everything that an authority of AWS Private CA is asked with. */
interface AcmMaterial {
  readonly arn: string;
  readonly commonName: string;
  /** Undefined: the control plane's own. */
  readonly keys: AwsKeys | undefined;
  /** What its certificates must be verified by, PEM; undefined: what it says itself. */
  readonly caCert: string | undefined;
}

const settingsOf = (conf: AuthorityConf): AcmConf => conf as AcmConf;
const keysField = 'auth.awsCredentials';
const firstLook = 100;
const longestPause = 1_000;

/** The type `acmpca`. */
export const acmAuthority = defineCertificateAuthority<AcmMaterial>({
  type: 'acmpca',
  sources(conf) {
    const { caCert, auth } = settingsOf(conf);
    return { ...(caCert === undefined ? {} : { caCert }), ...keySources(keysField, auth?.awsCredentials) };
  },
  validate: (_conf, contents) => validateClientPair(contents, 'caCert'),
  prepare(conf, contents) {
    const [violation] = validateClientPair(contents, 'caCert');
    if (violation !== undefined) return { fault: `conf.${violation.field}: ${violation.message}` };
    const { arn = '', commonName = '' } = settingsOf(conf);
    const { caCert } = contents;
    const roots = caCert === undefined ? undefined : joinCertificates([caCert]);
    return {
      material: { arn, commonName, keys: keysIn(keysField, contents), caCert: roots },
      issuer: { arn, commonName },
      ...(roots === undefined ? {} : { roots }),
    };
  },
  open({ arn, commonName, keys, caCert }, context): OpenAuthority {
    const place = placeOfArn(arn);
    const address = awsEndpoint('acm-pca', place, process.env);
    const http = createHttpClient(address);
    const identity = openAwsIdentity(keys, place.region);
    const client = createAcmClient({ arn, address, http, identity, onRefusedCredentials: context.stale });
    let algorithm: Promise<string> | undefined;
    const roots = async (signal: AbortSignal): Promise<string> => anchorsOf(await readChain(client, signal));
    const signingAlgorithm = (signal: AbortSignal): Promise<string> => {
      algorithm ??= readChain(client, signal).then(algorithmOf);
      return algorithm.catch((error: unknown) => {
        algorithm = undefined;
        throw error;
      });
    };
    return {
      async issue(request, signal) {
        const { certificateRequest, privateKey } = await requestFor(request, commonName);
        const issued = await client.call(
          'IssueCertificate',
          {
            Csr: Buffer.from(certificateRequest).toString('base64'),
            SigningAlgorithm: await signingAlgorithm(signal),
            // Names as in the request; for both ends of a connection.
            TemplateArn: `arn:${place.partition}:acm-pca:::template/EndEntityCertificate/V1`,
            Validity: { Type: 'ABSOLUTE', Value: Math.floor((request.issuedAt + request.lifetime) / 1000) },
            // A request that is sent again makes no second certificate.
            IdempotencyToken: randomUUID(),
          },
          signal,
        );
        const certificate = await collect(client, textIn(issued, 'CertificateArn'), signal);
        const leaf = signedLeaf(request, { certificate, privateKey });
        if (caCert !== undefined && !isVerifiedBy(leaf.certificate, caCert))
          throw new MeshError('invalid', `conf.caCert: has not signed what ${arn} issues: give the root of its chain`);
        return leaf;
      },
      ...(caCert === undefined ? { roots } : {}),
      stop: () => http.stop(),
    };
  },
});

async function requestFor({ names }: LeafRequest, template: string) {
  const { privateKey, publicKey } = await generateKeys({ kind: 'p256' });
  const key = readPrivateKey(privateKey);
  if (key === undefined) throw new MeshError('internal', 'a key that was just generated cannot be read');
  const commonName = template === '' ? '' : commonNameOf(template, names);
  return { certificateRequest: await requestLeaf({ commonName, names, publicKey }, key), privateKey };
}

/** Waits until the certificate is there; gives it and what is above it, PEM. */
async function collect(client: AcmClient, certificateArn: string, signal: AbortSignal): Promise<string> {
  for (let pause = firstLook; ; pause = Math.min(longestPause, pause * 2)) {
    const answer = await client.call('GetCertificate', { CertificateArn: certificateArn }, signal);
    if (answer !== undefined)
      return joinCertificates([textIn(answer, 'Certificate'), textIn(answer, 'CertificateChain')]);
    await setTimeout(pause, undefined, { signal }).catch((cause: unknown) => {
      throw new MeshError('unavailable', `${certificateArn} is not issued yet: no certificate in time`, { cause });
    });
  }
}

/** The authority's own certificate, then those above it, PEM. */
async function readChain(client: AcmClient, signal: AbortSignal): Promise<string> {
  const answer = await client.call('GetCertificateAuthorityCertificate', {}, signal);
  return joinCertificates([textIn(answer, 'Certificate'), textIn(answer, 'CertificateChain')]);
}

function algorithmOf(chain: string): string {
  const [authority] = parseCertificates(chain);
  const keyType = (authority as X509Certificate | undefined)?.publicKey.asymmetricKeyType;
  if (keyType === 'ec') return 'SHA256WITHECDSA';
  if (keyType === 'rsa') return 'SHA256WITHRSA';
  throw new MeshError(
    'invalid',
    `its key is ${keyType ?? 'not known'}: Envoy needs an authority with RSA or ECDSA keys`,
  );
}
