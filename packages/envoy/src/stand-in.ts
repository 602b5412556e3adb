// Objects that stand for descriptions of files and types which are not read yet. Whoever looks at a property has the file read, and from then on the
// object is the description itself: everything that refers to the type refers to it.
import type { DescEnum, DescFile, DescMessage } from '@bufbuild/protobuf';

const common = ['kind', 'proto', 'deprecated', 'name', 'toString'] as const;
const typed = [...common, 'file', 'parent', 'typeName'] as const;

/** What stands for a file. `read` reads it, and lets this become it. */
export const standInForFile: (read: () => void) => DescFile = define<DescFile>([
  ...common,
  ...(['edition', 'dependencies', 'enums', 'messages', 'extensions', 'services'] as const),
]);

/** What stands for a message. */
export const standInForMessage: (read: () => void) => DescMessage = define<DescMessage>([
  ...typed,
  ...(['fields', 'field', 'oneofs', 'members', 'nestedEnums', 'nestedMessages', 'nestedExtensions'] as const),
]);

/** What stands for an enumeration. */
export const standInForEnum: (read: () => void) => DescEnum = define<DescEnum>([
  ...typed,
  ...(['open', 'value', 'values', 'sharedPrefix'] as const),
]);

/** Makes an object of the first what the second is. */
export function become(standIn: object, described: object): void {
  // Not assigned: the properties of the prototype stand in the way.
  Object.defineProperties(standIn, Object.getOwnPropertyDescriptors(described));
}

/** Lets all in a file refer to what stands for its types, where something does. */
export function referTo(replaced: ReadonlyMap<object, object>, file: DescFile): void {
  const current = <Value>(value: Value): Value => (replaced.get(value as object) as Value | undefined) ?? value;
  const inList = (list: object[]): void => {
    for (const [place, each] of list.entries()) list[place] = current(each);
  };
  const inProperties = (owner: object, names: readonly string[]): void => {
    const properties = owner as Record<string, unknown>;
    for (const name of names) if (properties[name] !== undefined) properties[name] = current(properties[name]);
  };
  const inFields = (fields: readonly object[]): void => {
    for (const field of fields) inProperties(field, ['message', 'enum', 'parent', 'extendee', 'file']);
  };
  const inEnums = (enums: readonly DescEnum[]): void => {
    for (const enumeration of enums) {
      inProperties(enumeration, ['file', 'parent']);
      inFields(enumeration.values);
    }
    inList(enums as DescEnum[]);
  };
  const inMessages = (messages: readonly DescMessage[]): void => {
    for (const message of messages) {
      inProperties(message, ['file', 'parent']);
      inFields(message.fields);
      inFields(message.oneofs);
      inFields(message.nestedExtensions);
      inEnums(message.nestedEnums);
      inMessages(message.nestedMessages);
    }
    inList(messages as DescMessage[]);
  };
  inEnums(file.enums);
  inMessages(file.messages);
  inFields(file.extensions);
  for (const service of file.services) {
    inProperties(service, ['file']);
    for (const method of service.methods) inProperties(method, ['parent', 'input', 'output']);
  }
}

function define<Description extends object>(
  properties: readonly (keyof Description & string)[],
): (read: () => void) => Description {
  const readers = new WeakMap<object, () => void>();
  const prototype = {};
  for (const property of properties) {
    Object.defineProperty(prototype, property, {
      get(this: Record<string, unknown>) {
        readers.get(this)?.();
        return Object.hasOwn(this, property) ? this[property] : undefined;
      },
    });
  }
  return (read) => {
    const standIn = Object.create(prototype) as Description;
    readers.set(standIn, read);
    return standIn;
  };
}
