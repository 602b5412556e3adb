import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { MeshError, type Resource } from '@ursa/resources';
import { parseAllDocuments } from 'yaml';
import { startGenerators } from './mesh-services.ts';

const oracle = join(import.meta.dirname, '../../../../../shared/conformance/oracle');
const kinds = ['Mesh', 'Dataplane', 'MeshService', 'MeshExternalService', 'HostnameGenerator'];
const scenarios = globSync('*/*/expected/meshservices.json', { cwd: oracle })
  .map((file) => dirname(dirname(file)))
  // Identities that come from MeshIdentity belong to another generator.
  .filter((folder) => !folder.startsWith('identity/'));

interface Item {
  readonly name: string;
  readonly labels: object;
  readonly spec: object;
  readonly status?: Readonly<Record<string, unknown>>;
}

// Left out: what depends on connections and certificates, and the addresses, which may be any of their range.
function comparable({ name, labels, spec, status = {} }: Item | Resource) {
  const { tls: _tls, vips, vip, dataplaneProxies, ...rest } = status as Readonly<Record<string, unknown>>;
  const { connected: _connected, ...proxies } = { ...(dataplaneProxies as object | undefined) } as {
    readonly connected?: number;
  };
  return { name, labels, spec, status: rest, proxies, hasAddress: vips !== undefined || vip !== undefined };
}

function expectedItems(folder: string, file: string): readonly Item[] {
  const path = join(oracle, folder, 'expected', file);
  if (!existsSync(path)) return [];
  return (JSON.parse(readFileSync(path, 'utf8')) as { readonly body: { readonly items: readonly Item[] } }).body.items;
}

test('generated services, identities, host names and their statuses are those of the peer in every recorded scenario', {
  skip: scenarios.length === 0 && 'the conformance corpus is not beside the repository',
}, async () => {
  let compared = 0;
  for (const folder of scenarios) {
    const documents = parseAllDocuments(readFileSync(join(oracle, folder, 'resources.yaml'), 'utf8'))
      .map((document) => document.toJS() as { readonly type: string; readonly name: string })
      .filter(({ type }) => kinds.includes(type));
    const mesh = documents.find(({ type }) => type === 'Mesh')?.name ?? '';
    const run = await startGenerators();
    for (const document of documents) {
      // Some scenarios contain what a control plane refuses.
      await run.apply(document).catch((error: unknown) => assert.ok(error instanceof MeshError, String(error)));
    }
    await run.settle();
    for (const [type, file] of [
      ['MeshService', 'meshservices.json'],
      ['MeshExternalService', 'meshexternalservices.json'],
    ] as const) {
      const expected = expectedItems(folder, file).map(comparable);
      const actual = run.live.list(type, mesh).map(comparable);
      assert.deepEqual(actual, expected, `${folder}: ${file}`);
      compared += expected.length;
    }
    await run.stop();
  }
  assert.ok(compared > 50, `only ${compared} services were compared`);
});
