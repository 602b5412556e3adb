// The description and the API are the same thing: every route is described, real answers fit their schemas.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Compile } from 'typebox/schema';
import { apiRoutes } from '../../src/api/api.ts';
import type { Asked } from './api-fixture.ts';
import { dataplaneDocument, openDefault, timeoutDocument } from './documents.ts';

// biome-ignore lint/suspicious/noExplicitAny: the description is looked into as JSON.
type Json = any;

async function openDescribed() {
  const fixture = await openDefault();
  const { body } = await fixture.ask('GET', '/openapi.json');
  return { ...fixture, document: body as Json };
}

test('every served route is in the description, and the other way round', async () => {
  const { document, options } = await openDescribed();
  const served = apiRoutes(options).map(({ method, path }) => `${method} ${path}`);
  const described = Object.entries(document.paths as Json).flatMap(([path, operations]) =>
    Object.keys(operations as object).map((method) => `${method.toUpperCase()} ${path}`),
  );
  assert.deepEqual(described.toSorted(), served.filter((route) => route !== 'GET /gui').toSorted());
  assert.equal(new Set(served).size, served.length);
  const ids = Object.values(document.paths as Json).flatMap((operations) =>
    Object.values(operations as object).map(({ operationId }) => operationId),
  );
  assert.equal(new Set(ids).size, ids.length);
});

test('every reference in the description leads somewhere', async () => {
  const { document } = await openDescribed();
  for (const [, reference] of JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)) {
    let target: Json = document;
    for (const part of (reference ?? '').split('/')) target = target?.[part];
    assert.equal(typeof target, 'object', reference);
  }
});

test('real answers fit their schemas', async () => {
  const { ask, document } = await openDescribed();
  const timeout = '/meshes/default/meshtimeouts/a';
  const dataplane = '/meshes/default/dataplanes/web';
  const asked: readonly (readonly [method: string, template: string, url: string, body?: unknown])[] = [
    ['PUT', '/meshes/{mesh}/meshtimeouts/{name}', timeout, timeoutDocument()],
    ['PUT', '/meshes/{mesh}/dataplanes/{name}', dataplane, dataplaneDocument('web')],
    ['GET', '/meshes/{mesh}/meshtimeouts/{name}', timeout],
    ['GET', '/meshes/{mesh}/meshtimeouts', '/meshes/default/meshtimeouts'],
    ['GET', '/meshtimeouts', '/meshtimeouts'],
    ['GET', '/meshes/{name}', '/meshes/default'],
    ['GET', '/meshes/{mesh}/dataplanes/{name}', dataplane],
    ['GET', '/meshes/{mesh}/dataplanes/{name}/_overview', `${dataplane}/_overview`],
    ['GET', '/meshes/{mesh}/dataplanes/_overview', '/meshes/default/dataplanes/_overview'],
    ['GET', '/meshes/{mesh}/dataplanes/{name}/_rules', `${dataplane}/_rules`],
    ['GET', '/meshes/{mesh}/dataplanes/{name}/policies', `${dataplane}/policies`],
    ['GET', '/meshes/{mesh}/meshtimeouts/{name}/_resources/dataplanes', `${timeout}/_resources/dataplanes`],
    ['GET', '/meshes/{mesh}/meshtimeouts/{name}/dataplanes', `${timeout}/dataplanes`],
    ['GET', '/', '/'],
    ['GET', '/_resources', '/_resources'],
    ['GET', '/policies', '/policies'],
    ['GET', '/who-am-i', '/who-am-i'],
    ['GET', '/config', '/config'],
    ['GET', '/global-insight', '/global-insight'],
    ['GET', '/global-insights', '/global-insights'],
    ['GET', '/_kri/{kri}', '/_kri/kri_mt_default_default__a_'],
    ['DELETE', '/meshes/{mesh}/meshtimeouts/{name}', timeout],
    ['GET', '/meshes/{mesh}/meshtimeouts/{name}', timeout],
    ['PUT', '/meshes/{mesh}/meshtimeouts/{name}', timeout, { ...timeoutDocument(), spec: { to: 1 } }],
  ];
  for (const [method, template, url, body] of asked) {
    assertFits(document, method, template, await ask(method, url, body));
  }
});

function assertFits(document: Json, method: string, template: string, answer: Asked): void {
  const { responses } = document.paths[template][method.toLowerCase()];
  const described = responses[answer.status] ?? document.components.responses.Error;
  assert.ok(
    answer.status < 400 || described === document.components.responses.Error,
    `${method} ${template}: ${answer.text}`,
  );
  const [media] = Object.values(described.content) as Json[];
  const [valid, errors] = Compile({ ...media.schema, components: document.components }).Errors(answer.body);
  assert.ok(valid, `${method} ${template}: ${JSON.stringify(errors)}\n${answer.text}`);
}
