// AWS Private CA of the tests: an HTTP endpoint that answers the three operations which issue certificates as their public model says, checks signatures, and
// signs with a real authority. AWS itself cannot be had here; everything before and after this endpoint is real.
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AuthorityPair, openIssuer } from '../../../packages/control-plane/src/identity/authorities/authority.ts';
import { createControlPlaneAuthority } from '../../../packages/control-plane/src/identity/authorities/builtin-authority.ts';
import { issueLeaf } from '../../../packages/control-plane/src/identity/certificates/certificate.ts';
import type { KeyKind } from '../../../packages/control-plane/src/identity/certificates/key-pair.ts';
import { issueIntermediate } from '../intermediate-authority.ts';
import { readCertificateRequest } from './certificate-request.ts';
import { type KnownKeys, signerOf } from './signature.ts';

/** A running one. */
export interface PrivateCa {
  readonly address: string;
  readonly arn: string;
  /** PEM of what verifies all that it issues. */
  readonly root: string;
  /** Times that an operation was carried out or refused, by name. */
  count(operation: string): number;
  /** Certificates that were made. */
  issued(): number;
  /** Answers the next requests with these instead: codes of AWS, or `status 503` and the like. */
  answerNext(...codes: readonly string[]): void;
  /** Answers nobody until it is told to again. */
  hold(isHeld: boolean): void;
  stop(): Promise<void>;
}

export interface PrivateCaOptions {
  readonly port?: number;
  readonly keys?: KnownKeys;
  /** With an authority that issues below the root. */
  readonly isSubordinate?: boolean;
  /** Keys of the authority that issues. */
  readonly kind?: KeyKind;
}

/** Access key that it knows unless it is told of others. */
export const usualKey = { accessKey: 'AKIAMESH', secret: 'a secret of the tests' };
const region = 'eu-west-1';
const namespace = 'com.amazonaws.acmpca';
// What AWS puts before the time of issue.
const backdating = 3600_000;

type Answer = readonly [status: number, body: object];
type Input = Readonly<Record<string, unknown>>;

/** Starts one, with one certificate authority. */
export async function startPrivateCa({
  port = 0,
  keys,
  isSubordinate,
  kind,
}: PrivateCaOptions = {}): Promise<PrivateCa> {
  const knownKeys = keys ?? new Map([[usualKey.accessKey, { secret: usualKey.secret }]]);
  const arn = `arn:aws:acm-pca:${region}:123456789012:certificate-authority/${randomUUID()}`;
  const root = await createControlPlaneAuthority('Private CA root', Date.now());
  const authority: AuthorityPair =
    isSubordinate || kind !== undefined ? await issueIntermediate(root, 'Private CA issuing', kind) : root;
  const chain = authority === root ? undefined : root.certificate;
  const counts = new Map<string, number>();
  const certificates = new Map<string, { readonly pem: string; looks: number }>();
  const tokens = new Map<string, string>();
  const next: string[] = [];
  let held: ServerResponse[] | undefined;

  const refuse = (code: string, message = `refused with ${code}`): Answer =>
    code.startsWith('status ')
      ? [Number(code.slice('status '.length)), {}]
      : [400, { __type: `${namespace}#${code}`, message }];
  const operations: Readonly<Record<string, (input: Input) => Answer | Promise<Answer>>> = {
    async IssueCertificate({ Csr, SigningAlgorithm, Validity, TemplateArn, IdempotencyToken }) {
      const before = tokens.get(String(IdempotencyToken));
      if (before !== undefined) return [200, { CertificateArn: before }];
      const family = authority.privateKey.length > 1000 ? 'RSA' : 'ECDSA';
      if (SigningAlgorithm !== `SHA256WITH${family}`)
        return refuse('InvalidArgsException', `the authority has a key of the family ${family}`);
      if (TemplateArn !== 'arn:aws:acm-pca:::template/EndEntityCertificate/V1') return refuse('ValidationException');
      const { Type, Value } = Validity as { Type?: string; Value?: number };
      if (Type !== 'ABSOLUTE' || Value === undefined || Value * 1000 <= Date.now())
        return refuse('InvalidArgsException');
      const request = await readCertificateRequest(Buffer.from(String(Csr), 'base64').toString()).catch(
        () => undefined,
      );
      if (request === undefined) return refuse('MalformedCSRException');
      const { commonName, uris, publicKey } = request;
      const validity = { notBefore: Date.now() - backdating, notAfter: Value * 1000 };
      const pem = await issueLeaf(
        { commonName, names: { uris }, publicKey, usages: ['serverAuth', 'clientAuth'], validity },
        openIssuer(authority),
      );
      const certificateArn = `${arn}/certificate/${randomUUID().replaceAll('-', '')}`;
      certificates.set(certificateArn, { pem, looks: 0 });
      tokens.set(String(IdempotencyToken), certificateArn);
      return [200, { CertificateArn: certificateArn }];
    },
    GetCertificate({ CertificateArn }) {
      const found = certificates.get(String(CertificateArn));
      if (found === undefined) return refuse('ResourceNotFoundException');
      found.looks += 1;
      // It takes a moment over there.
      if (found.looks === 1) return refuse('RequestInProgressException', 'the certificate is still being issued');
      return [200, { Certificate: found.pem, CertificateChain: `${authority.certificate}${chain ?? ''}` }];
    },
    GetCertificateAuthorityCertificate: () => [
      200,
      { Certificate: authority.certificate, ...(chain === undefined ? {} : { CertificateChain: chain }) },
    ],
  };
  const answer = async (request: IncomingMessage, body: string): Promise<Answer> => {
    const operation = String(request.headers['x-amz-target']).replace(/^ACMPrivateCA\./, '');
    counts.set(operation, (counts.get(operation) ?? 0) + 1);
    const planned = next.shift();
    if (planned !== undefined) return refuse(planned);
    const { method = '', url = '', headers } = request;
    const signer = signerOf({ method, path: url, headers, body }, knownKeys);
    if ('refusal' in signer) return refuse(signer.refusal, 'The security token included in the request is invalid.');
    if (signer.scope.service !== 'acm-pca' || signer.scope.region !== region)
      return refuse('InvalidSignatureException');
    const input: Input = JSON.parse(body);
    if (input.CertificateAuthorityArn !== arn) return refuse('ResourceNotFoundException', 'Could not find it');
    return (await operations[operation]?.(input)) ?? refuse('UnknownOperationException');
  };
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => {
      body += chunk;
    });
    request.on('end', async () => {
      if (held !== undefined) {
        held.push(response);
        return;
      }
      const [status, content] = await answer(request, body);
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(content));
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const bound = server.address();
  return {
    address: `http://127.0.0.1:${typeof bound === 'object' ? bound?.port : port}`,
    arn,
    root: root.certificate,
    count: (operation) => counts.get(operation) ?? 0,
    issued: () => certificates.size,
    answerNext: (...codes) => void next.push(...codes),
    hold(isHeld) {
      // Who waits has to ask again: what it sent is not kept.
      for (const response of held ?? []) response.destroy();
      held = isHeld ? [] : undefined;
    },
    async stop() {
      for (const response of held ?? []) response.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
