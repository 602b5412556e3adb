// All types of Envoy's API, also those that no code of ours names: users put any extension into patches. A file is read when one of its
// types is asked for the first time; what nobody asks for costs nothing.
import { createFileRegistry, type DescFile, type DescMessage, fromBinary } from '@bufbuild/protobuf';
import { base64Decode } from '@bufbuild/protobuf/wire';
import { type FileDescriptorProto, FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { readFiles } from '../gen/files.ts';

let read: ReturnType<typeof readFiles> | undefined;

/** Descriptors of all files of the API by path, base64. A megabyte from the first call on. */
export function descriptorFiles(): Readonly<Record<string, string>> {
  read ??= readFiles();
  return read;
}

const described = new Map<string, DescFile>();
const found = new Map<string, DescMessage | undefined>();

function readFile(name: string): FileDescriptorProto | undefined {
  const descriptor = descriptorFiles()[name];
  return descriptor === undefined ? undefined : fromBinary(FileDescriptorProtoSchema, base64Decode(descriptor));
}

/** A file of the API by its path; undefined when there is none. */
export function describeFile(name: string): DescFile | undefined {
  const known = described.get(name);
  if (known !== undefined) return known;
  const file = readFile(name);
  if (file === undefined) return undefined;
  // The library walks over all files below a file; its direct imports are enough for its own types.
  const imports = file.dependency.flatMap((imported) => describeFile(imported) ?? []);
  const direct = new Map(imports.map((imported) => [imported.proto.name, { ...imported, dependencies: [] }]));
  const description = createFileRegistry(file, (imported) => direct.get(imported)).getFile(name);
  if (description !== undefined) described.set(name, description);
  return description;
}

/** Files by the package they stand for: Envoy keeps each package in a folder of its name. */
let filesByPackage: ReadonlyMap<string, readonly string[]> | undefined;

function filesOf(packageName: string): readonly string[] {
  filesByPackage ??= Map.groupBy(Object.keys(descriptorFiles()), (name) =>
    name
      .replace(/^contrib\//, '')
      .split('/')
      .slice(0, -1)
      .join('.'),
  );
  return filesByPackage.get(packageName) ?? [];
}

function find(typeName: string): DescMessage | undefined {
  const packageName = typeName.slice(0, typeName.lastIndexOf('.'));
  for (const name of filesOf(packageName)) {
    const message = describeFile(name)?.messages.find((candidate) => candidate.typeName === typeName);
    if (message !== undefined) return message;
  }
  return undefined;
}

/** The message type of this name, such as `envoy.extensions.filters.http.lua.v3.Lua`; undefined when Envoy's API has none. */
export function extensionType(typeName: string): DescMessage | undefined {
  if (!found.has(typeName) && filesOf(typeName.slice(0, typeName.lastIndexOf('.'))).length > 0) {
    found.set(typeName, find(typeName));
  }
  return found.get(typeName);
}
