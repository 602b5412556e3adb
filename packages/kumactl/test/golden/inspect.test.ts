// The golden set of `kumactl inspect`: answers of a control plane, and how they are printed.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openStubServer, run } from '../terminal.ts';
import { configurationFor } from './golden-server.ts';
import { type GoldenCase, type GoldenCheck, type GoldenPlace, testGoldenSet } from './golden-set.ts';

interface InspectCase extends GoldenCase {
  readonly title?: string;
  readonly args: readonly string[];
  readonly serverResponse: string;
  readonly expected: string;
}

/** Paths that the set's commands ask for. */
const asked = /^\/meshes\/[^/]+\/(dataplanes\/[^/]+\/policies|[a-z-]+\/[^/]+\/(dataplanes|_resources\/dataplanes))$/;

async function checks(golden: InspectCase, place: GoldenPlace): Promise<readonly GoldenCheck[]> {
  const server = await openStubServer(({ url }) =>
    asked.test(url) ? { body: JSON.parse(place.read(golden.serverResponse)) } : { status: 404 },
  );
  try {
    const configFile = join(place.folder, 'config');
    writeFileSync(configFile, configurationFor(server.url));
    const { stdout, stderr } = await run(['--config-file', configFile, ...golden.args]);
    // Beside the table, older policies are said to have no effect (docs/conformance.md).
    const told = stderr.replace(/^.* has no effect.*\n/m, '');
    return [{ name: golden.title ?? 'stdout', actual: stdout + told, expected: place.read(golden.expected) }];
  } finally {
    await server.close();
  }
}

testGoldenSet<InspectCase>('kumactl-inspect', { checks, passing: 8 });
