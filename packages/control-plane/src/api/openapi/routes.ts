// GET /openapi.json: the API described by itself.
import type { ResourceTypes } from '@ursa/resources';
import { Type } from 'typebox';
import { formatJson } from '../http/json-text.ts';
import type { Route } from '../http/route.ts';
import { createOpenApiDocument, type DocumentOptions } from './document.ts';

/** The routes with the one that describes them all, itself included. The text is made when it is first asked for. */
export function describedRoutes(
  routes: readonly Route[],
  types: ResourceTypes,
  options: DocumentOptions,
): readonly Route[] {
  let text: string | undefined;
  const all: readonly Route[] = [
    ...routes,
    {
      method: 'GET',
      path: '/openapi.json',
      tag: 'Discovery',
      summary: 'This description',
      answers: { 200: Type.Object({ openapi: Type.String() }) },
      handle: () => {
        text ??= formatJson(createOpenApiDocument(all, types, options));
        return { status: 200, body: text };
      },
    },
  ];
  return all;
}
