// A small mesh for stories: `web` calls `api`, `api` calls `db`, two instances of each.

/** Name of the mesh. */
export const mesh = 'small';

/** A Mesh document; with mTLS when a mode is given. */
export function meshDocument(mode?: 'STRICT' | 'PERMISSIVE'): object {
  const backends = [{ name: 'ca', type: 'builtin', ...(mode === undefined ? {} : { mode }) }];
  return { type: 'Mesh', name: mesh, ...(mode === undefined ? {} : { mtls: { enabledBackend: 'ca', backends } }) };
}

/** A Dataplane of a service that calls another. */
export function dataplane(service: string, instance: number, calls?: string): object {
  const host = `10.0.${service.length}.${instance}`;
  return {
    type: 'Dataplane',
    mesh,
    name: `${service}-${instance}`,
    networking: {
      address: host,
      inbound: [
        { port: 8080, tags: { 'kuma.io/service': service, 'kuma.io/protocol': 'http', version: `v${instance}` } },
      ],
      ...(calls === undefined ? {} : { outbound: [{ port: 10001, tags: { 'kuma.io/service': calls } }] }),
    },
  };
}

/** All documents of the mesh. */
export function smallMesh(): object[] {
  const instances = [1, 2];
  return [
    meshDocument(),
    ...instances.map((instance) => dataplane('web', instance, 'api')),
    ...instances.map((instance) => dataplane('api', instance, 'db')),
    ...instances.map((instance) => dataplane('db', instance)),
  ];
}

/** A MeshTimeout on what a target sends anywhere. */
export function timeout(name: string, targetRef: object, requestTimeout: string): object {
  const to = [{ targetRef: { kind: 'Mesh' }, default: { http: { requestTimeout } } }];
  return { type: 'MeshTimeout', mesh, name, spec: { targetRef, to } };
}
