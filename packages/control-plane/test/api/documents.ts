// Documents that the tests of this folder write.
import assert from 'node:assert/strict';
import { type ApiFixture, openApiFixture } from './api-fixture.ts';

/** A valid MeshTimeout. */
export function timeoutDocument(name = 'a', connectionTimeout = '3s', mesh = 'default') {
  const to = [{ targetRef: { kind: 'Mesh' }, default: { connectionTimeout } }];
  return { type: 'MeshTimeout', mesh, name, spec: { to } };
}

/** A valid Dataplane with one inbound. */
export function dataplaneDocument(name: string, tags: Readonly<Record<string, string>> = {}, mesh = 'default') {
  const inbound = [{ port: 8080, tags: { 'kuma.io/service': 'backend', 'kuma.io/protocol': 'http', ...tags } }];
  return { type: 'Dataplane', mesh, name, networking: { address: '192.168.0.1', inbound } };
}

/** A fixture with these meshes in it. */
export async function openWithMeshes(fixture: ApiFixture, ...meshes: readonly string[]): Promise<ApiFixture> {
  for (const name of meshes) {
    const { status, text } = await fixture.ask('PUT', `/meshes/${name}`, { type: 'Mesh', name });
    assert.equal(status, 201, text);
  }
  return fixture;
}

/** The usual fixture: one mesh, `default`. */
export function openDefault(settings: Readonly<Record<string, unknown>> = {}): Promise<ApiFixture> {
  return openWithMeshes(openApiFixture(settings), 'default');
}
