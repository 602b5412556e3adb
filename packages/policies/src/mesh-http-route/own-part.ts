// A filter has the part that its type names; others that stand beside it say nothing.
import type { HttpFilter } from './http-route-conf.ts';

/** The part of each type. */
export const partOfType = {
  RequestHeaderModifier: 'requestHeaderModifier',
  ResponseHeaderModifier: 'responseHeaderModifier',
  RequestRedirect: 'requestRedirect',
  URLRewrite: 'urlRewrite',
  RequestMirror: 'requestMirror',
} as const;

/** The filter with the part of its type alone. */
export function withOwnPart(filter: HttpFilter): HttpFilter {
  const part = partOfType[filter.type];
  return { type: filter.type, ...(filter[part] && { [part]: filter[part] }) };
}
