// Patches one Envoy message: with a partial message that is merged into it, or with JSON patches on its JSON form.
import { clone, type DescMessage, fromBinary, fromJson, type MessageShape, toBinary, toJson } from '@bufbuild/protobuf';
import type { Any } from '@bufbuild/protobuf/wkt';
import { mergeAny, mergeMessage, registry, typeOfAny } from '@ursa/envoy';
import { applyJsonPatches, type JsonPatch } from './json-patch.ts';

/** A message after JSON patches. Throws when one cannot be applied, or the result is no such message. */
function jsonPatched<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
  patches: readonly JsonPatch[],
): MessageShape<Desc> {
  const json = toJson(schema, message, { registry });
  if (typeof json !== 'object' || json === null) throw new Error(`${schema.typeName} cannot be patched`);
  return fromJson(schema, applyJsonPatches(json, patches) as typeof json, { registry });
}

/** A message after a patch: JSON patches, where there are any, else what `value` gives is merged. The message itself stays as it is. */
export function patched<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
  jsonPatches: readonly JsonPatch[],
  value: () => MessageShape<Desc>,
): MessageShape<Desc> {
  if (jsonPatches.length > 0) return jsonPatched(schema, message, jsonPatches);
  const result = clone(schema, message);
  mergeMessage(schema, result, value());
  return result;
}

/** The packed configuration of a filter after a patch; `value`: the patch of the filter. A filter without configuration gets the patch's. */
export function patchedConfig(
  config: Any | undefined,
  jsonPatches: readonly JsonPatch[],
  value: () => Any | undefined,
): Any | undefined {
  if (jsonPatches.length > 0) {
    if (config === undefined) throw new Error('the filter has no configuration');
    const schema = typeOfAny(config);
    const message = jsonPatched(schema, fromBinary(schema, config.value), jsonPatches);
    return { ...config, value: toBinary(schema, message) };
  }
  const patch = value();
  return config === undefined || patch === undefined ? (config ?? patch) : mergeAny(config, patch);
}
