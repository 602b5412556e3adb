// What a token says, read without verifying it: kumactl has no key. Pure.
import { MeshError, type TokenKind } from '@ursa/resources';

/** A token as it says of itself. */
export interface ReadToken {
  readonly kind: TokenKind;
  /** Mesh of a data plane token; '' for others. */
  readonly mesh: string;
  readonly id: string;
  /** Serial number or name of the key that signed it. */
  readonly kid: string;
  /** Milliseconds since 1970. */
  readonly notBefore: number;
  readonly expires: number;
  /** What it is for and bound to, in words. */
  readonly subject: readonly (readonly [what: string, value: string])[];
}

/** Reads a token; `source` names it in errors, which never show it. */
export function readToken(text: string, source: string): ReadToken {
  const [head, body, signature, ...rest] = text.trim().split('.');
  const [header, claims] = [objectOf(head), objectOf(body)];
  if (header === undefined || claims === undefined || !signature || rest.length > 0)
    throw new MeshError('invalid', `${source} holds no token: expected the output of kumactl generate …-token`);
  const say = (claim: string): string => words(claims[claim]);
  const seconds = (claim: string): number => (typeof claims[claim] === 'number' ? claims[claim] * 1000 : Number.NaN);
  const common = { id: say('jti'), kid: words(header.kid), notBefore: seconds('nbf'), expires: seconds('exp') };
  const rows = (...pairs: readonly (readonly [string, string])[]) => pairs.filter(([, value]) => value !== '');
  if ('Mesh' in claims) {
    const bound = rows(
      ['name', say('Name')],
      ['tags', say('Tags')],
      ['type', say('Type')],
      ['workload', say('Workload')],
    );
    const mesh = say('Mesh');
    const subject = [
      ['mesh', mesh],
      ...(bound.length === 0 ? [['bound to', 'nothing: any proxy of the mesh']] : bound),
    ];
    return { kind: 'dataplane', mesh, ...common, subject: subject as ReadToken['subject'] };
  }
  if ('Zone' in claims || 'Scope' in claims)
    return { kind: 'zone', mesh: '', ...common, subject: rows(['zone', say('Zone')], ['scope', say('Scope')]) };
  if ('Name' in claims)
    return { kind: 'user', mesh: '', ...common, subject: rows(['user', say('Name')], ['groups', say('Groups')]) };
  throw new MeshError('invalid', `${source} holds a token, but none of a proxy, a zone or a user of a mesh`);
}

function objectOf(part: string | undefined): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part ?? '', 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}

function words(value: unknown): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.join(', ');
  if (typeof value !== 'object' || value === null) return '';
  return Object.entries(value)
    .map(([key, values]) => `${key}=${words(values)}`)
    .join(' ');
}
