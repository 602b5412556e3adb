// POST /tokens/…: issues data plane, zone and user tokens to those who may hand them out.
import { MeshError } from '@ursa/resources';
import { Type } from 'typebox';
import type { Tokens, User } from '../identity/access.ts';
import type { AccessControl, TokenIssue } from '../identity/access-control.ts';
import { parseBody } from './http/document.ts';
import { titled, titledAsync } from './http/failure.ts';
import { requireDocumentType } from './http/media-type.ts';
import type { Answer, Call, Route } from './http/route.ts';
import { type Fields, readFields } from './token-fields.ts';

/** What issuing needs. */
export interface TokensOptions {
  readonly tokens: Tokens;
  readonly access: Pick<AccessControl, 'requireToken'>;
}

const issueTitle = 'Could not issue a token';
const stringMap = Type.Record(Type.String(), Type.Array(Type.String()));
// The peers give a data plane token this long when nothing is said.
const tenYears = 10 * 365 * 24 * 3600;
const validFor = Type.String({ description: 'How long the token is valid: `30m`, `24h`.' });

const bodies = {
  dataplane: Type.Object({
    mesh: Type.String(),
    name: Type.Optional(Type.String()),
    tags: Type.Optional(stringMap),
    type: Type.Optional(Type.String()),
    workload: Type.Optional(Type.String()),
    validFor: Type.Optional(validFor),
  }),
  zone: Type.Object({ zone: Type.Optional(Type.String()), scope: Type.Array(Type.String()), validFor }),
  user: Type.Object({ name: Type.String(), groups: Type.Optional(Type.Array(Type.String())), validFor }),
};

/** The three endpoints. Each answers the token as text. */
export function tokensRoutes({ tokens, access }: TokensOptions): readonly Route[] {
  return [
    issueRoute('dataplane', bodies.dataplane, (fields, user) => {
      const mesh = fields.text('mesh', { required: true });
      const type = fields.text('type');
      if (type !== '' && !proxyTypes.includes(type)) fields.refuse('type', `expected one of ${proxyTypes.join(', ')}`);
      const request = {
        mesh,
        ...given('name', fields.text('name')),
        ...given('tags', fields.tags('tags')),
        ...given('type', type),
        ...given('workload', fields.text('workload')),
        validForSeconds: fields.validFor(tenYears),
      };
      const { name = '', tags = {} } = request;
      return allowed(access, user, [{ access: 'GENERATE_DATAPLANE_TOKEN', mesh, name, tags }], () =>
        tokens.issueDataplane(request),
      );
    }),
    issueRoute('zone', bodies.zone, (fields, user) => {
      const zone = fields.text('zone');
      const scope = fields.texts('scope', { required: true });
      const unknown = scope.find((word) => !zoneScopes.includes(word));
      if (unknown !== undefined) fields.refuse('scope', `expected some of ${zoneScopes.join(', ')}; found ${unknown}`);
      const request = { zone, scope, validForSeconds: fields.validFor() };
      const proxies = scope.some((word) => word !== 'cp');
      const verbs = [
        ...(proxies || !scope.includes('cp') ? (['GENERATE_ZONE_TOKEN'] as const) : []),
        ...(scope.includes('cp') ? (['GENERATE_ZONE_CP_TOKEN'] as const) : []),
      ];
      const issues = verbs.map((verb) => ({ access: verb, mesh: '', name: zone, tags: {} }));
      return allowed(access, user, issues, () => tokens.issueZone(request));
    }),
    issueRoute('user', bodies.user, (fields, user) => {
      const request = {
        name: fields.text('name', { required: true }),
        groups: fields.texts('groups'),
        validForSeconds: fields.validFor(),
      };
      const issues = [{ access: 'GENERATE_USER_TOKEN', mesh: '', name: request.name, tags: {} }] as const;
      return allowed(access, user, issues, () => tokens.issueUser(request));
    }),
  ];
}

const proxyTypes: readonly string[] = ['dataplane', 'ingress', 'egress'];
const zoneScopes: readonly string[] = ['ingress', 'egress', 'cp'];

/** Reads the fields of one kind of request, and gives back what issues the token once all fields are good. */
type ReadRequest = (fields: Fields, user: User) => () => Promise<string>;

function issueRoute(kind: keyof typeof bodies, body: Route['body'] & object, read: ReadRequest): Route {
  return {
    method: 'POST',
    path: `/tokens/${kind}`,
    tag: 'Tokens',
    summary: `Issues a ${kind} token`,
    body,
    answers: { 200: Type.String() },
    contentType: 'text/plain',
    handle: async (call): Promise<Answer> => {
      const issue = titled('Invalid request', () => readRequest(call, read));
      const token = await titledAsync(issueTitle, issue);
      return { status: 200, body: token, contentType: 'text/plain', headers: { 'cache-control': 'no-store' } };
    },
  };
}

function readRequest(call: Call, read: ReadRequest): () => Promise<string> {
  requireDocumentType(call.body);
  const fields = readFields(parseBody(call.body));
  const issue = read(fields, call.user);
  if (fields.violations.length > 0) {
    throw new MeshError('invalid', 'the request for a token is not valid', { violations: fields.violations });
  }
  return issue;
}

/** Issues once it is clear that the request is good and that all that it asks for is granted. */
function allowed(
  access: TokensOptions['access'],
  user: User,
  issues: readonly TokenIssue[],
  issue: () => Promise<string>,
): () => Promise<string> {
  return () => {
    for (const each of issues) access.requireToken(user, each);
    return issue();
  };
}

function given<Name extends string, Value>(name: Name, value: Value): { readonly [Key in Name]?: Value } {
  const isEmpty = value === '' || (typeof value === 'object' && value !== null && Object.keys(value).length === 0);
  return isEmpty ? {} : ({ [name]: value } as { readonly [Key in Name]?: Value });
}
