// Merging one message into another, as patches of users are: what the patch sets wins, lists grow, maps get entries, messages merge in turn.
import { clone, type DescMessage, fromBinary, type MessageShape, toBinary } from '@bufbuild/protobuf';
import { type ReflectList, type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect';
import type { Any } from '@bufbuild/protobuf/wkt';
import { registry } from './decode.ts';

/**
 * Messages that stand for one value, which the patch replaces: half of a duration is none, and a wrapped `false` must be able to replace a
 * `true`. A packed message is replaced as well; see `mergeAny` for those that are not.
 */
function isValue({ typeName }: DescMessage): boolean {
  return /^google\.protobuf\.(Any|Duration|Timestamp|\w+Value)$/.test(typeName);
}

/**
 * Lists of which Envoy takes the first item with a key and never looks at another one: an item of a patch is merged into the one that is
 * there.
 */
const keyedLists: ReadonlyMap<string, string> = new Map([
  ['envoy.config.cluster.v3.CircuitBreakers.thresholds', 'priority'],
]);

function keyOf(item: unknown, key: string): unknown {
  const message = item as ReflectMessage;
  const field = message.desc.fields.find(({ name }) => name === key);
  return field && message.get(field);
}

function growList(list: ReflectList, items: ReflectList, key: string | undefined): void {
  for (const item of items) {
    const same = key === undefined ? undefined : [...list].find((known) => keyOf(known, key) === keyOf(item, key));
    if (same === undefined) list.add(item);
    else mergeReflected(same as ReflectMessage, item as ReflectMessage);
  }
}

function mergeReflected(target: ReflectMessage, patch: ReflectMessage): void {
  for (const field of patch.fields) {
    if (!patch.isSet(field)) continue;
    if (field.fieldKind === 'list') {
      growList(target.get(field), patch.get(field), keyedLists.get(`${field.parent.typeName}.${field.name}`));
    } else if (field.fieldKind === 'map') {
      const map = target.get(field);
      for (const [key, value] of patch.get(field)) map.set(key, value);
    } else if (field.fieldKind === 'message' && target.isSet(field) && !isValue(field.message)) {
      const inner = target.get(field);
      mergeReflected(inner, patch.get(field));
      // Some messages are shown as copies (google.protobuf.Struct is plain JSON).
      target.set(field, inner);
    } else {
      target.set(field, patch.get(field));
    }
  }
}

/** Merges a patch into a message of the same type. The patch stays as it is, and shares nothing with the message. */
export function mergeMessage<Desc extends DescMessage>(
  schema: Desc,
  target: MessageShape<Desc>,
  patch: MessageShape<Desc>,
): void {
  mergeReflected(reflect(schema, target), reflect(schema, clone(schema, patch)));
}

/**
 * Merges what is packed in two Any messages into a new one. Throws when they hold messages of different types, or of a type that
 * Envoy's API does not have.
 */
export function mergeAny(target: Any, patch: Any): Any {
  if (target.typeUrl !== patch.typeUrl) {
    throw new Error(`the filter has the configuration ${target.typeUrl}, the patch ${patch.typeUrl}`);
  }
  const schema = typeOfAny(target);
  const message = fromBinary(schema, target.value);
  mergeMessage(schema, message, fromBinary(schema, patch.value));
  return { ...target, value: toBinary(schema, message) };
}

/** The type of the message in an Any. Throws when Envoy's API does not have it. */
export function typeOfAny({ typeUrl }: Any): DescMessage {
  const schema = registry.getMessage(typeUrl.slice(typeUrl.lastIndexOf('/') + 1));
  if (schema === undefined) throw new Error(`${typeUrl} is not a type of Envoy's API`);
  return schema;
}
