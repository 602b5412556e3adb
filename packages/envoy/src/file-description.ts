// Reads the descriptors that the generated files carry. They come here by a line that scripts/generate.ts writes into each of them: the library's own
// reader walks over all files below a file once for every way that leads there, and reads all of them when a program starts. Here a file is read
// when somebody looks into it or into a type of it; what stands for them until then becomes them (decision 0346).
import { createFileRegistry, type DescEnum, type DescFile, type DescMessage, fromBinary } from '@bufbuild/protobuf';
import type { enumDesc as libraryEnum, messageDesc as libraryMessage } from '@bufbuild/protobuf/codegenv2';
import { base64Decode } from '@bufbuild/protobuf/wire';
import { type DescriptorProto, FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { become, referTo, standInForEnum, standInForFile, standInForMessage } from './stand-in.ts';

/** A type that was asked for before its file was read. */
interface Awaited {
  readonly find: (file: DescFile) => DescMessage | DescEnum;
  readonly standIn: DescMessage | DescEnum;
}

/** Files that are not read yet, by what stands for them. */
const unread = new WeakMap<DescFile, { readonly read: () => void; readonly awaited: Awaited[] }>();

/**
 * The description of a file from its descriptor (base64) and those of the files it imports: all that its own types can name.
 * Takes the place of the function of the same name in `@bufbuild/protobuf/codegenv2`, as do the other two.
 *
 * @public Called by the generated files, which no tool looks at.
 */
export function fileDesc(descriptor: string, imports: readonly DescFile[] = []): DescFile {
  const awaited: Awaited[] = [];
  const read = (): void => {
    if (!unread.has(standIn)) return;
    const file = readFile(descriptor, imports);
    const replaced = new Map<object, object>([[file, standIn]]);
    for (const type of awaited) replaced.set(type.find(file), type.standIn);
    referTo(replaced, file);
    for (const [described, stand] of replaced) become(stand, described);
    unread.delete(standIn);
  };
  const standIn = standInForFile(read);
  unread.set(standIn, { read, awaited });
  return standIn;
}

/**
 * A message by its place in the file, or in the messages around it.
 *
 * @public See `fileDesc`.
 */
export const messageDesc = ((file: DescFile, first: number, ...nested: number[]) =>
  typeOf(file, (read) => messageAt(read, [first, ...nested]), standInForMessage)) as typeof libraryMessage;

/**
 * An enumeration by its place in the file, or in the messages around it.
 *
 * @public See `fileDesc`.
 */
export const enumDesc = ((file: DescFile, ...path: number[]) => {
  const [messages, place] = [path.slice(0, -1), path.at(-1) ?? 0];
  const find = (read: DescFile) => (messages.length === 0 ? read.enums : messageAt(read, messages).nestedEnums)[place];
  return typeOf(file, find, standInForEnum);
}) as typeof libraryEnum;

function typeOf<Type extends DescMessage | DescEnum>(
  file: DescFile,
  find: (file: DescFile) => Type | undefined,
  standInFor: (read: () => void) => Type,
): Type {
  const known = (read: DescFile): Type => {
    const type = find(read);
    if (type === undefined) throw new Error(`${read.name} has no such type: npm run generate`);
    return type;
  };
  const waiting = unread.get(file);
  if (waiting === undefined) return known(file);
  const standIn = standInFor(waiting.read);
  waiting.awaited.push({ find: known, standIn });
  return standIn;
}

function messageAt(file: DescFile, [first, ...nested]: readonly number[]): DescMessage {
  const message = nested.reduce<DescMessage | undefined>(
    (around, place) => around?.nestedMessages[place],
    file.messages[first ?? 0],
  );
  if (message === undefined) throw new Error(`${file.name} has no such message: npm run generate`);
  return message;
}

function readFile(descriptor: string, imports: readonly DescFile[]): DescFile {
  const root = fromBinary(FileDescriptorProtoSchema, base64Decode(descriptor));
  for (const message of root.messageType) restoreJsonNames(message);
  root.dependency = imports.map(({ proto }) => proto.name);
  const direct = new Map(imports.map((file) => [file.proto.name, { ...file, dependencies: [] }]));
  const file = createFileRegistry(root, (name) => direct.get(name)).getFile(root.name);
  if (file === undefined) throw new Error(`the descriptor of ${root.name} cannot be read`);
  return file;
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
