// What a MeshHTTPRoute can say.
import { backendRef, closed, intOrString, oneOf } from '@ursa/resources';
import { type Static, Type } from 'typebox';
import { headerMatch, headerModifier } from '../conf/headers.ts';

const hostname = Type.String({
  minLength: 1,
  maxLength: 253,
  pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$',
});

const pathRewrite = closed({
  type: oneOf('ReplaceFullPath', 'ReplacePrefixMatch'),
  replaceFullPath: Type.Optional(Type.String()),
  replacePrefixMatch: Type.Optional(Type.String()),
});

const match = closed({
  path: Type.Optional(
    closed({ value: Type.String({ minLength: 1 }), type: oneOf('Exact', 'PathPrefix', 'RegularExpression') }),
  ),
  method: Type.Optional(oneOf('CONNECT', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'TRACE')),
  queryParams: Type.Optional(
    Type.Array(
      closed({
        type: oneOf('Exact', 'RegularExpression'),
        name: Type.String({ minLength: 1 }),
        value: Type.String(),
      }),
    ),
  ),
  headers: Type.Optional(Type.Array(headerMatch)),
});

const filter = closed({
  type: oneOf('RequestHeaderModifier', 'ResponseHeaderModifier', 'RequestRedirect', 'URLRewrite', 'RequestMirror'),
  requestHeaderModifier: Type.Optional(headerModifier),
  responseHeaderModifier: Type.Optional(headerModifier),
  requestRedirect: Type.Optional(
    closed({
      scheme: Type.Optional(oneOf('http', 'https')),
      hostname: Type.Optional(hostname),
      path: Type.Optional(pathRewrite),
      port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65535 })),
      statusCode: Type.Optional(
        Type.Unsafe<301 | 302 | 303 | 307 | 308>({ enum: [301, 302, 303, 307, 308], default: 302 }),
      ),
    }),
  ),
  urlRewrite: Type.Optional(
    closed({
      hostname: Type.Optional(hostname),
      path: Type.Optional(pathRewrite),
      hostToBackendHostname: Type.Optional(Type.Boolean()),
    }),
  ),
  requestMirror: Type.Optional(closed({ percentage: Type.Optional(intOrString()), backendRef })),
});

const rule = closed({
  matches: Type.Array(match, { minItems: 1 }),
  default: closed({ filters: Type.Optional(Type.Array(filter)), backendRefs: Type.Optional(Type.Array(backendRef)) }),
});

/** Fields of an entry of `to`. */
export const httpRouteEntry = {
  hostnames: Type.Optional(Type.Array(Type.String())),
  rules: Type.Optional(Type.Array(rule)),
};

export type HttpMatch = Static<typeof match>;
export type HttpFilter = Static<typeof filter>;
export type HttpRule = Static<typeof rule>;
