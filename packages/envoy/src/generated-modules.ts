// The modules of `@ursa/envoy/gen/…` as objects, made from the descriptors. A program that is one file has only those modules inside which its
// own code imports; a user's policy may import any.
import type { DescEnum, DescFile } from '@bufbuild/protobuf';
import { describeFile, descriptorFiles } from './extension-types.ts';

/** Names of all modules below `@ursa/envoy/gen/`, such as `envoy/config/core/v3/base_pb.ts`. */
export function generatedModuleNames(): readonly string[] {
  return Object.keys(descriptorFiles()).map((name) => name.replace(/\.proto$/, '_pb.ts'));
}

/** What the module of this name exports: the schemas of its messages and enumerations, and the enumerations themselves; undefined when there is no such module. */
export function generatedModule(name: string): Readonly<Record<string, unknown>> | undefined {
  const file = describeFile(name.replace(/_pb\.ts$/, '.proto'));
  return file && exportsOf(file);
}

function exportsOf(file: DescFile): Readonly<Record<string, unknown>> {
  const prefix = file.proto.package === '' ? '' : `${file.proto.package}.`;
  const identifier = (typeName: string): string => typeName.slice(prefix.length).replaceAll('.', '_');
  const exported: Record<string, unknown> = {};
  const enumerations: DescEnum[] = [...file.enums];
  const pending = [...file.messages];
  for (let message = pending.pop(); message !== undefined; message = pending.pop()) {
    exported[`${identifier(message.typeName)}Schema`] = message;
    pending.push(...message.nestedMessages);
    enumerations.push(...message.nestedEnums);
  }
  for (const enumeration of enumerations) {
    exported[`${identifier(enumeration.typeName)}Schema`] = enumeration;
    exported[identifier(enumeration.typeName)] = Object.fromEntries(
      enumeration.values.map(({ localName, number }) => [localName, number]),
    );
  }
  return exported;
}
