// POST /tokens/join-code: makes a code with which a host joins the mesh, for those who may issue data plane tokens.
import { formatJoinCode, MeshError, tagNames } from '@ursa/resources';
import { Type } from 'typebox';
import type { AccessControl } from '../identity/access-control.ts';
import type { JoinCodes } from '../identity/joining/join-codes.ts';
import type { ReachableAs } from '../identity/joining/reachable-as.ts';
import { parseBody } from './http/document.ts';
import { titled, titledAsync } from './http/failure.ts';
import { requireDocumentType } from './http/media-type.ts';
import type { Call, Route } from './http/route.ts';
import { readFields } from './token-fields.ts';

/** What making codes needs. */
export interface JoinCodeOptions {
  readonly codes: Pick<JoinCodes, 'issue'>;
  readonly reachableAs: ReachableAs;
  readonly access: Pick<AccessControl, 'requireToken'>;
}

const minutes = 60;
const hours = 60 * minutes;
const usualValidity = 15 * minutes;
const longestValidity = 24 * hours;
// As of data plane tokens for which nothing is said.
const tenYears = 10 * 365 * 24 * hours;

const body = Type.Object({
  mesh: Type.Optional(Type.String({ description: 'Default: `default`.' })),
  service: Type.Optional(Type.String({ description: 'The only service that may join with it.' })),
  name: Type.Optional(Type.String({ description: 'Name of the Dataplane that joins with it.' })),
  validFor: Type.Optional(Type.String({ description: 'How long it can be used: at most `24h`; default `15m`.' })),
  tokenValidFor: Type.Optional(Type.String({ description: 'How long the token is valid that it is exchanged for.' })),
  addresses: Type.Optional(
    Type.Array(Type.String(), {
      description:
        'Where hosts reach the control plane; default: addresses of this instance that its certificate is for.',
    }),
  ),
});

/** The endpoint. It answers the code as text; the secret in it is nowhere else. */
export function joinCodeRoutes({ codes, reachableAs, access }: JoinCodeOptions): readonly Route[] {
  return [
    {
      method: 'POST',
      path: '/tokens/join-code',
      tag: 'Tokens',
      summary: 'Makes a code with which one proxy of another host joins the mesh, once',
      body,
      answers: { 200: Type.String() },
      contentType: 'text/plain',
      async handle(call) {
        const wanted = titled('Invalid request', () => readWanted(call));
        const { mesh, service, name = '' } = wanted;
        const tags: Record<string, readonly string[]> = service === undefined ? {} : { [tagNames.service]: [service] };
        access.requireToken(call.user, { access: 'GENERATE_DATAPLANE_TOKEN', mesh, name, tags });
        const code = await titledAsync('Could not make a join code', async () => {
          const { addresses: given, ...request } = wanted;
          const authority = reachableAs.authority();
          const addresses = await reachableAs.addresses(given, new URL(call.origin).hostname);
          return formatJoinCode({
            ...(await codes.issue({ ...request, issuedBy: call.user.name })),
            authority,
            addresses,
          });
        });
        return { status: 200, body: code, contentType: 'text/plain', headers: { 'cache-control': 'no-store' } };
      },
    },
  ];
}

function readWanted(call: Call) {
  requireDocumentType(call.body);
  const fields = readFields(parseBody(call.body));
  const service = fields.text('service');
  const name = fields.text('name');
  const validForSeconds = fields.validFor(usualValidity);
  if (validForSeconds > longestValidity) {
    fields.refuse(
      'validFor',
      'must be at most 24h: whoever finds the code can join with it; make another one when you need it',
    );
  }
  const wanted = {
    mesh: fields.text('mesh') || 'default',
    ...(service === '' ? {} : { service }),
    ...(name === '' ? {} : { name }),
    validForSeconds,
    tokenValidForSeconds: fields.validFor(tenYears, 'tokenValidFor'),
    addresses: fields.texts('addresses'),
  };
  if (fields.violations.length === 0) return wanted;
  throw new MeshError('invalid', 'the request for a join code is not valid', { violations: fields.violations });
}
