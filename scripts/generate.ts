// Generates the TypeScript of Envoy's API from the committed descriptors. Does nothing when the inputs have not changed.
import './link-packages.ts';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { type FileDescriptorProto, FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';

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
  hash.update(readFileSync(import.meta.filename));
  return hash.digest('hex');
}

const ownFunctions: ReadonlySet<string> = new Set(['fileDesc', 'messageDesc', 'enumDesc']);

/** Lets a generated file read its descriptor with our own reader, which is linear where the library's is not, and late; see its comment. */
function useOwnReader(file: string): void {
  const reader = relative(dirname(file), join(envoyPackage, 'src', 'file-description.ts'));
  const before = readFileSync(file, 'utf8');
  const library = /^import \{ (.*) \} from "@bufbuild\/protobuf\/codegenv2";$/m;
  const after = before.replace(library, (_, names: string) => {
    const [own, others] = [true, false].map((isOwn) =>
      names.split(', ').filter((name) => ownFunctions.has(name) === isOwn),
    );
    const rest = others?.length === 0 ? '' : `import { ${others?.join(', ')} } from "@bufbuild/protobuf/codegenv2";\n`;
    return `${rest}import { ${own?.join(', ')} } from "${reader}";`;
  });
  if (after === before)
    throw new Error(`${file} is not as protoc-gen-es used to write it: see how it imports fileDesc now`);
  writeFileSync(file, after);
}

/**
 * Writes every file that an extension of Envoy's version 3 API needs as one table: types that no code of ours names still occur in what
 * users write. They are read one by one, when somebody asks (src/extension-types.ts).
 */
function writeFileTable(): void {
  const { file: all } = fromBinary(FileDescriptorSetSchema, readFileSync(join(envoyPackage, descriptors)));
  const byName = new Map(all.map((file) => [file.name, file]));
  const kept = new Map<string, FileDescriptorProto>();
  const keep = (name: string): void => {
    const file = byName.get(name);
    if (file === undefined || kept.has(name)) return;
    kept.set(name, file);
    for (const imported of file.dependency) keep(imported);
  };
  for (const { name } of all) if (/^(contrib\/)?envoy\/.*\/v3(alpha)?\/[^/]+$/.test(name)) keep(name);
  const lines = [...kept.values()].map((file) => {
    const bytes = Buffer.from(toBinary(FileDescriptorProtoSchema, file)).toString('base64');
    return `  ${JSON.stringify(file.name)}: ${JSON.stringify(bytes)},\n`;
  });
  // In a function: what a program does not run of itself takes no memory, and few need these.
  const text = `// Descriptors of the files of Envoy's API by name, base64.\nexport const readFiles = (): Readonly<Record<string, string>> => ({\n${lines.join('')}});\n`;
  writeFileSync(join(envoyPackage, 'gen', 'files.ts'), text);
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
  for (const file of globSync(join(envoyPackage, 'gen', '**', '*_pb.ts'))) useOwnReader(file);
  writeFileTable();
  writeFileSync(stampFile, wanted);
}
