// Signature Version 4 as AWS checks it: computed again from what came in, by the published steps and with none of the code that made it.
import { createHash, createHmac } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** A request as it came in; header names in small letters. */
export interface SignedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Secret of each access key, and the session token that has to go with it. */
export type KnownKeys = ReadonlyMap<string, { readonly secret: string; readonly token?: string }>;

/** Which part of AWS the signature is for. */
export interface SignatureScope {
  readonly service: string;
  readonly region: string;
}

/** Who has signed it, and for what; or the code of AWS's refusal. */
export type Signer = { readonly accessKey: string; readonly scope: SignatureScope } | { readonly refusal: string };

const mostSkew = 5 * 60_000;

/** Checks the signature of a request. */
export function signerOf(request: SignedRequest, keys: KnownKeys): Signer {
  const form = /^AWS4-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/;
  const [, credential = '', signedHeaders = '', signature = ''] = form.exec(request.headers.authorization ?? '') ?? [];
  const [accessKey = '', date = '', region = '', service = '', terminator = ''] = credential.split('/');
  if (terminator !== 'aws4_request') return { refusal: 'MissingAuthenticationTokenException' };
  const known = keys.get(accessKey);
  if (known === undefined) return { refusal: 'UnrecognizedClientException' };
  if (known.token !== undefined && request.headers['x-amz-security-token'] !== known.token)
    return { refusal: 'UnrecognizedClientException' };
  const time = String(request.headers['x-amz-date'] ?? '');
  const sent = Date.parse(time.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
  const names = signedHeaders.split(';');
  const isTimely = Math.abs(Date.now() - sent) < mostSkew && time.startsWith(date);
  if (!isTimely || !names.includes('host') || !names.includes('x-amz-date'))
    return { refusal: 'InvalidSignatureException' };
  const canonical = [
    request.method,
    request.path,
    '',
    ...names.map((name) => `${name}:${String(request.headers[name] ?? '').trim()}`),
    '',
    signedHeaders,
    sha256(request.body),
  ].join('\n');
  const toSign = ['AWS4-HMAC-SHA256', time, `${date}/${region}/${service}/aws4_request`, sha256(canonical)].join('\n');
  const key = [date, region, service, 'aws4_request'].reduce<string | Buffer>(hmac, `AWS4${known.secret}`);
  if (hmac(key, toSign).toString('hex') !== signature) return { refusal: 'InvalidSignatureException' };
  return { accessKey, scope: { service, region } };
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
