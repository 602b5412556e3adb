// Speaks the API of AWS Private CA: operations as JSON 1.1, signed; what fails for a moment is tried again here, everything else is said in words that
// name the authority and what to do.
import { setTimeout } from 'node:timers/promises';
import { MeshError } from '@ursa/resources';
import { textIn } from '../answer-fields.ts';
import { placeOfArn } from '../aws/aws-arn.ts';
import type { AwsIdentity } from '../aws/aws-identity.ts';
import type { HttpAnswer, HttpClient } from '../http-client.ts';

/** The operations that are used. */
export type AcmOperation = 'IssueCertificate' | 'GetCertificate' | 'GetCertificateAuthorityCertificate';

/** Calls AWS Private CA for one certificate authority. */
export interface AcmClient {
  /**
   * The answer to an operation on the authority; undefined while it is still at work on it. Errors: `MeshError('unavailable')` when there is none, or it
   * is a refusal.
   */
  call(
    operation: AcmOperation,
    input: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
  ): Promise<Readonly<Record<string, unknown>> | undefined>;
}

export interface AcmClientInputs {
  readonly arn: string;
  readonly address: string;
  readonly http: HttpClient;
  readonly identity: AwsIdentity;
  /** Told that the credentials were refused. */
  readonly onRefusedCredentials: () => void;
}

const attempts = 3;
const firstPause = 200;
const service = 'acm-pca';

/** Makes one. */
export function createAcmClient({ arn, address, http, identity, onRefusedCredentials }: AcmClientInputs): AcmClient {
  const { region } = placeOfArn(arn);
  const failure = (operation: AcmOperation, reason: string, cause?: unknown): MeshError =>
    new MeshError('unavailable', `AWS Private CA at ${address}: ${operation} of ${arn}: ${reason}`, { cause });
  const send = async (operation: AcmOperation, body: string, signal: AbortSignal): Promise<HttpAnswer> => {
    const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `ACMPrivateCA.${operation}` };
    const signed = await identity.sign({ method: 'POST', address, service, region, headers, body }, signal);
    return await http.send({ method: 'POST', path: '/', headers: signed, content: Buffer.from(body), signal });
  };
  return {
    async call(operation, input, signal) {
      const body = JSON.stringify({ CertificateAuthorityArn: arn, ...input });
      for (let attempt = 1; ; attempt += 1) {
        const outcome = await send(operation, body, signal).then(readAnswer, (error: unknown) => ({ error }));
        if ('body' in outcome) return outcome.body;
        if ('error' in outcome) {
          const { error } = outcome;
          if (error instanceof MeshError) throw failure(operation, error.message, error);
          const reason = error instanceof Error ? error.message : String(error);
          if (signal.aborted || attempt === attempts) throw failure(operation, reason || 'cannot be reached', error);
        } else {
          const { code, message, isPassing } = outcome.refusal;
          if (code === 'RequestInProgressException') return undefined;
          if (credentialCodes.test(code)) {
            identity.forget();
            onRefusedCredentials();
          }
          if (!isPassing || attempt === attempts) {
            throw failure(operation, [code, message, remedyOf(code)].filter((part) => part !== '').join(': '));
          }
        }
        await setTimeout(firstPause * 2 ** (attempt - 1), undefined, { signal }).catch((cause: unknown) => {
          throw failure(operation, 'no answer in time', cause);
        });
      }
    },
  };
}

interface Refusal {
  readonly code: string;
  readonly message: string;
  /** True when it may be gone in a moment. */
  readonly isPassing: boolean;
}

function readAnswer({
  status,
  text,
}: HttpAnswer): { readonly body: Readonly<Record<string, unknown>> } | { readonly refusal: Refusal } {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    body = undefined;
  }
  if (status === 200 && typeof body === 'object' && body !== null) return { body: { ...body } };
  // Written as `namespace#Code` or `Code:more`, depending on who answers.
  const code = textIn(body, '__type').replace(/^.*#/, '').replace(/:.*$/, '') || `status ${status}`;
  const message = textIn(body, 'message') || textIn(body, 'Message') || (body === undefined ? 'no answer in JSON' : '');
  const isPassing = status >= 500 || status === 429 || /Throttl|TooManyRequests|RequestLimitExceeded/.test(code);
  return { refusal: { code, message, isPassing } };
}

const credentialCodes =
  /^(ExpiredToken|ExpiredTokenException|UnrecognizedClientException|InvalidSignatureException|InvalidClientTokenId|IncompleteSignature.*|MissingAuthenticationToken.*)$/;

function remedyOf(code: string): string {
  if (credentialCodes.test(code))
    return "see conf.auth.awsCredentials, or without it the control plane's own credentials, and its clock";
  return remedies[code] ?? '';
}

const remedies: Readonly<Record<string, string>> = {
  AccessDeniedException:
    'the identity needs acm-pca:IssueCertificate, acm-pca:GetCertificate and acm-pca:GetCertificateAuthorityCertificate on it',
  ResourceNotFoundException: 'see conf.arn: is it this account, and this region?',
  InvalidArnException: 'see conf.arn',
  InvalidStateException: 'the certificate authority must be active',
  MalformedCSRException: 'does the authority allow URIs that begin with spiffe:// and kuma://?',
  InvalidArgsException: 'is dpCert.rotation.expiration within the life of the authority, and within what it allows?',
  ValidationException: 'is dpCert.rotation.expiration within the life of the authority, and within what it allows?',
  LimitExceededException: 'ask for a higher quota, or for fewer certificates by a longer dpCert.rotation.expiration',
};
