// The peer's recorded cases of DNS: Envoy's filter for proxies without a server of their own, the document for those that have one.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { resourceJson } from '@ursa/envoy';
import { parse } from 'yaml';
import { createWorld } from '../world.ts';

const folder = join(import.meta.dirname, '../../../../../shared/conformance/golden/xds-dns');
const absent = existsSync(folder) ? false : 'left out: there is no ../shared/conformance beside the repository';

interface Case {
  readonly id: string;
  readonly dataplane: string;
  readonly expected: string;
  readonly features?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly meshServicesMode?: string;
}

/** Where we differ on purpose: the IPv6 twin of an address is one that reaches no IPv4 socket. */
function adapted(text: string): string {
  return text
    .replaceAll('::ffff:f000', 'fd00:fd00::f000')
    .replaceAll('path: kuma-mesh', 'path: /kuma-mesh')
    .replaceAll("    '@type': type.googleapis.com/envoy.config.listener.v3.Listener\n", '');
}

/** The entity tag and the size follow from the document; where services are MeshServices only there are no names by tag, which it is made of. */
function withoutSums(value: unknown, exclusive: boolean): unknown {
  return JSON.parse(
    JSON.stringify(value, (key, item) =>
      key === 'maxDirectResponseBodySizeBytes' || (exclusive && key === 'inlineString') ? 0 : item,
    ).replaceAll(/[0-9a-f]{64}/g, 'tag'),
  );
}

test('golden xds-dns', { skip: absent }, async (suite) => {
  // because a user's clone has no recorded cases
  const { cases } = JSON.parse(readFileSync(join(folder, 'cases.json'), 'utf8')) as { readonly cases: readonly Case[] };
  for (const { id, dataplane, expected, features = [], labels = {}, meshServicesMode } of cases) {
    await suite.test(id, () => {
      const world = createWorld(undefined, 'zone-1');
      world.apply({
        type: 'Mesh',
        name: 'default',
        ...(meshServicesMode ? { meshServices: { mode: meshServicesMode } } : {}),
      });
      const spec = parse(readFileSync(join(folder, dataplane), 'utf8')) as { readonly networking?: object };
      const apply = (name: string, service: string, more: object = {}): void =>
        world.apply({
          type: 'Dataplane',
          mesh: 'default',
          name,
          labels,
          networking: {
            address: '127.0.0.1',
            inbound: [{ port: 8080, tags: { 'kuma.io/service': service } }],
            ...more,
          },
        });
      // Addresses are given in the order of the proxies' names: 240.0.0.0, 240.0.0.1.
      apply('another', 'backend_test-ns_svc_8080');
      apply('dp', 'httpbin', spec.networking);
      world.settle();
      const key = world.connect('default', 'dp', { features, dnsPort: 53_001, workdir: '' });
      const listeners = world.engine.config.get(key)?.resources.listener ?? new Map();
      const given = [...listeners].filter(([name]) => /dns|dynamicconfig/.test(name));
      const { resources = [] } = parse(adapted(readFileSync(join(folder, expected), 'utf8'))) as {
        readonly resources?: readonly unknown[];
      };
      assert.deepEqual(
        withoutSums(
          given.map(([name, resource]) => ({ name, resource: resourceJson(resource) })),
          meshServicesMode === 'Exclusive',
        ),
        withoutSums(resources, meshServicesMode === 'Exclusive'),
      );
    });
  }
});
