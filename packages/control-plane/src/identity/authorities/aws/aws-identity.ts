// Who the control plane is to AWS: keys that the user has given, or whatever AWS's own chain of sources finds (environment, profiles, web identity,
// containers, instances). The packages that know them are loaded at the first request: a control plane that asks nothing of AWS has none of them in memory.
import { createHash, createHmac } from 'node:crypto';
import { MeshError } from '@ursa/resources';
import type { SourceContents } from '../define-authority.ts';

/** Keys of an AWS identity. */
export interface AwsKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** Where keys are, as a Mesh says it. */
export interface AwsKeySources {
  readonly accessKey?: unknown;
  readonly accessKeySecret?: unknown;
}

/** The data sources of keys that stand under `field`, by their fields; none where there are no keys. */
export function keySources(field: string, keys: AwsKeySources | undefined): Readonly<Record<string, unknown>> {
  if (keys === undefined) return {};
  return { [`${field}.accessKey`]: keys.accessKey, [`${field}.accessKeySecret`]: keys.accessKeySecret };
}

/** The keys that were read for `keySources` of the same field. */
export function keysIn(field: string, contents: SourceContents): AwsKeys | undefined {
  const { [`${field}.accessKey`]: id, [`${field}.accessKeySecret`]: secret } = contents;
  if (id === undefined || secret === undefined) return undefined;
  // Files usually end with a line break, keys never do.
  return { accessKeyId: id.trim(), secretAccessKey: secret.trim() };
}

/** A request as it is signed. */
export interface UnsignedRequest {
  readonly method: 'POST';
  /** Scheme, host and port; no path. */
  readonly address: string;
  readonly service: string;
  readonly region: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Speaks for one identity. */
export interface AwsIdentity {
  /** The headers of the request with its signature (Signature Version 4). Errors: `MeshError('unavailable')` when there are no credentials. */
  sign(request: UnsignedRequest, signal: AbortSignal): Promise<Readonly<Record<string, string>>>;
  /** Asks for credentials anew: those at hand were refused. */
  forget(): void;
}

type Provider = () => Promise<AwsKeys>;

/** Opens it, without asking for anything. `keys`: undefined for AWS's chain. `region`: where roles are asked for, if the chain says nothing else. */
export function openAwsIdentity(keys: AwsKeys | undefined, region: string): AwsIdentity {
  let provider: Promise<Provider> | undefined;
  const fromChain = async (): Promise<Provider> => {
    const { defaultProvider } = await import('@aws-sdk/credential-provider-node');
    const clientConfig = { region: process.env.AWS_REGION || region };
    // A profile that was written anew is read when the old keys are refused.
    return defaultProvider({ clientConfig, logger: silent, ignoreCache: true });
  };
  const find = async (): Promise<AwsKeys> => {
    if (keys !== undefined) return keys;
    try {
      provider ??= fromChain();
      return await (await provider)();
    } catch (cause) {
      provider = undefined;
      throw new MeshError('unavailable', `no AWS credentials: ${lastReason(cause)}; ${sources}`, { cause });
    }
  };
  return {
    async sign({ method, address, service, region: signingRegion, headers, body }, signal) {
      const { SignatureV4 } = await import('@smithy/signature-v4');
      const credentials = await inTime(find(), signal);
      const signer = new SignatureV4({ credentials, region: signingRegion, service, sha256: Sha256 });
      const { protocol, hostname, port, host } = new URL(address);
      const signed = await signer.sign({
        method,
        protocol,
        hostname,
        ...(port === '' ? {} : { port: Number(port) }),
        path: '/',
        headers: { ...headers, host },
        body,
      });
      return signed.headers;
    },
    forget() {
      provider = undefined;
    },
  };
}

const sources =
  'give them in the Mesh, or to the control plane: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, AWS_WEB_IDENTITY_TOKEN_FILE with AWS_ROLE_ARN, or the role of its container or instance';

// What the chain has to say arrives as an error as well.
const ignore = (): void => undefined;
const silent = { trace: ignore, debug: ignore, info: ignore, warn: ignore, error: ignore };

function lastReason(error: unknown): string {
  return error instanceof Error ? error.message.replace(/\.$/, '') : String(error);
}

/** Some sources know no end to waiting. */
async function inTime<Result>(asked: Promise<Result>, signal: AbortSignal): Promise<Result> {
  const { promise, reject } = Promise.withResolvers<never>();
  const end = (): void => reject(new MeshError('unavailable', 'no AWS credentials: no answer in time'));
  if (signal.aborted) end();
  signal.addEventListener('abort', end, { once: true });
  try {
    return await Promise.race([asked, promise]);
  } finally {
    signal.removeEventListener('abort', end);
  }
}

type HashInput = string | ArrayBuffer | ArrayBufferView;

/** SHA-256 as the signer asks for it: keyed when it is given a key. */
class Sha256 {
  readonly #hash: ReturnType<typeof createHash> | ReturnType<typeof createHmac>;
  constructor(key?: HashInput) {
    this.#hash = key === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(key));
  }
  update(chunk: HashInput): void {
    this.#hash.update(bytesOf(chunk));
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }
}

function bytesOf(input: HashInput): Buffer {
  if (typeof input === 'string') return Buffer.from(input, 'utf8');
  return ArrayBuffer.isView(input) ? Buffer.from(input.buffer, input.byteOffset, input.byteLength) : Buffer.from(input);
}
