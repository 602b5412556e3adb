// /gui: until the web page exists, a page that says so and where to look meanwhile.
import { Type } from 'typebox';
import type { Route } from './http/route.ts';

const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Ursa</title>
<h1>Ursa</h1>
<p>This control plane is running. Its web page is not part of this version yet.</p>
<p>Until then: <code>kumactl inspect dataplanes</code>, <code>kumactl get meshes</code>, or the API itself,
described at <a href="/openapi.json">/openapi.json</a>.</p>
`;

/** `basePath` without a slash leads to `basePath/`, which answers the page. */
export function guiRoutes(basePath: string): readonly Route[] {
  const path = basePath.replace(/\/+$/, '');
  return [
    {
      method: 'GET',
      path: path === '' ? '/gui' : path,
      tag: 'Discovery',
      summary: 'The web page',
      answers: { 200: Type.String() },
      contentType: 'text/html; charset=utf-8',
      handle: (call) => {
        const [asked = ''] = call.url.split('?', 1);
        if (!asked.endsWith('/')) {
          return { status: 307, body: '', contentType: 'text/plain', headers: { location: `${asked}/` } };
        }
        return {
          status: 200,
          body: page,
          contentType: 'text/html; charset=utf-8',
          headers: {
            'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
            'x-frame-options': 'DENY',
          },
        };
      },
    },
  ];
}
