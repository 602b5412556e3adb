// Reads the descriptors that the generated files carry. They come here by a line that scripts/generate.ts writes into each of them: the
// library's own reader walks over all files below a file once for every way that leads there, which was half of a program's start.
import { createFileRegistry, type DescFile, fromBinary } from '@bufbuild/protobuf';
import type { GenFile } from '@bufbuild/protobuf/codegenv2';
import { base64Decode } from '@bufbuild/protobuf/wire';
import { type DescriptorProto, FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';

/**
 * The description of a file from its descriptor (base64) and those of the files it imports: all that its own types can name.
 * Takes the place of the function of the same name in `@bufbuild/protobuf/codegenv2`.
 *
 * @public Called by the generated files, which no tool looks at.
 */
export function fileDesc(descriptor: string, imports: readonly DescFile[] = []): GenFile {
  const root = fromBinary(FileDescriptorProtoSchema, base64Decode(descriptor));
  for (const message of root.messageType) restoreJsonNames(message);
  root.dependency = imports.map(({ proto }) => proto.name);
  const direct = new Map(imports.map((file) => [file.proto.name, { ...file, dependencies: [] }]));
  const file = createFileRegistry(root, (name) => direct.get(name)).getFile(root.name);
  if (file === undefined) throw new Error(`the descriptor of ${root.name} cannot be read`);
  return file as GenFile;
}

/** The generator leaves out names in JSON that follow from those in Protobuf. */
function restoreJsonNames(message: DescriptorProto): void {
  for (const field of message.field) if (field.jsonName === '') field.jsonName = jsonNameOf(field.name);
  for (const nested of message.nestedType) restoreJsonNames(nested);
}

/** `connect_timeout` → `connectTimeout`, as protoc does it. */
function jsonNameOf(name: string): string {
  return name.replaceAll(/_+(.?)/g, (_, letter: string) => letter.toUpperCase());
}
