// Generates the TypeScript of Envoy's API from the committed descriptors. Does nothing when the inputs have not changed.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const envoyPackage = join(import.meta.dirname, '..', 'packages', 'envoy');
const descriptors = join('descriptors', 'envoy-1.40.0.binpb');
const typesFile = join(envoyPackage, 'descriptors', 'types.txt');
const stampFile = join(envoyPackage, 'gen', '.inputs');

/** Hash of everything the generated code depends on: the descriptors, the list of types, the options, the generator's version. */
function inputHash(): string {
  const hash = createHash('sha256');
  for (const file of [join(envoyPackage, descriptors), typesFile, join(envoyPackage, 'buf.gen.yaml')])
    hash.update(readFileSync(file));
  hash.update(readFileSync(join(envoyPackage, '../../node_modules/@bufbuild/protoc-gen-es/package.json')));
  return hash.digest('hex');
}

const wanted = inputHash();
if (!existsSync(stampFile) || readFileSync(stampFile, 'utf8') !== wanted) {
  const types = readFileSync(typesFile, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  const result = spawnSync(
    join('..', '..', 'node_modules', '.bin', 'buf'),
    ['generate', descriptors, '--include-imports', ...types.flatMap((type) => ['--type', type])],
    { cwd: envoyPackage, stdio: 'inherit' },
  );
  if (result.status !== 0) throw new Error('buf generate failed; run "npm ci" first, then "npm run generate"');
  writeFileSync(stampFile, wanted);
}
