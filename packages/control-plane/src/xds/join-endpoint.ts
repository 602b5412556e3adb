// `POST /join`: exchanges a join code for the token of one proxy. Anybody may ask; what they show decides.
import { MeshError } from '@ursa/resources';
import type { HttpHandler, HttpResponse } from '../delta/grpc/index.ts';
import type { JoinCodes, JoinRequest } from '../identity/joining/join-codes.ts';

const longestBody = 4096;
const statuses: Readonly<Record<string, number>> = { malformed: 400, invalid: 422, forbidden: 403, unavailable: 503 };

/** Texts of a JSON body; absent ones are ''. Errors: `MeshError` for what is no object of short texts. */
export function readTexts<Name extends string>(body: Uint8Array, names: readonly Name[]): Record<Name, string> {
  let content: unknown;
  try {
    if (body.length > longestBody) throw new Error('too long');
    content = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    throw new MeshError('malformed', `the body must be a JSON object of at most ${longestBody} bytes`);
  }
  if (typeof content !== 'object' || content === null)
    throw new MeshError('malformed', 'the body must be a JSON object');
  const fields = content as Readonly<Record<string, unknown>>;
  const texts = names.map((name) => {
    const value = fields[name] ?? '';
    if (typeof value !== 'string') throw new MeshError('invalid', `${name}: must be a text`);
    return [name, value] as const;
  });
  return Object.fromEntries(texts) as Record<Name, string>;
}

/** A handler whose errors are answered in their own words. */
export async function answering(work: () => Promise<object | string>): Promise<HttpResponse> {
  try {
    const done = await work();
    if (typeof done === 'string') return { status: 200, contentType: 'text/plain', body: done };
    return { status: 200, contentType: 'application/json', body: JSON.stringify(done) };
  } catch (error) {
    if (!(error instanceof MeshError) || error.code === 'internal') throw error;
    return { status: statuses[error.code] ?? 422, contentType: 'text/plain', body: `${error.message}\n` };
  }
}

/**
 * Makes the handlers, by path. `/join/authority` answers the certificate by which whoever has a code knows this control plane before they tell it
 * anything: they compare its fingerprint with that in the code.
 */
export function joinEndpoints(
  codes: Pick<JoinCodes, 'exchange'>,
  authority: () => string,
): ReadonlyMap<string, HttpHandler> {
  return new Map<string, HttpHandler>([
    [
      '/join',
      ({ body, from }) =>
        answering(() => {
          const request: JoinRequest = { ...readTexts(body, ['id', 'secret', 'service', 'name']), from };
          return codes.exchange(request);
        }),
    ],
    ['/join/authority', () => answering(async () => authority())],
  ]);
}
