// Two descriptions of one configuration made comparable: Envoy's config_dump, and `_config` of the control plane.
import { type DescMessage, fromJson, type JsonValue, toJson } from '@bufbuild/protobuf';
import { registry, schemas, typeUrls } from '@ursa/envoy';

const compared = ['cluster', 'listener', 'route'] as const;

/** Resources as protobuf JSON, by type and name; contents of certificates and keys left out. */
export type PlainResources = Readonly<Record<(typeof compared)[number], Readonly<Record<string, unknown>>>>;

/** The body of `_config`, as kumactl prints it. */
export function configDocument(text: string): Readonly<Record<string, Readonly<Record<string, unknown>>>> {
  return JSON.parse(text).xds;
}

/** What `_config` says. */
export function plainResources(xds: ReturnType<typeof configDocument>): PlainResources {
  const read = (type: (typeof compared)[number]) => byName(type, Object.values(xds[typeUrls[type]] ?? {}));
  return { cluster: read('cluster'), listener: read('listener'), route: read('route') };
}

interface DumpPart {
  readonly dynamic_active_clusters?: readonly { readonly cluster: unknown }[];
  readonly dynamic_listeners?: readonly { readonly active_state?: { readonly listener: unknown } }[];
  readonly dynamic_route_configs?: readonly { readonly route_config: unknown }[];
}

/** What Envoy got over xDS, as its config_dump says. */
export function dumpedResources(dump: { readonly configs: readonly DumpPart[] }): PlainResources {
  const { configs } = dump;
  return {
    cluster: byName(
      'cluster',
      configs.flatMap((part) => part.dynamic_active_clusters ?? []).map(({ cluster }) => cluster),
    ),
    listener: byName(
      'listener',
      configs.flatMap((part) => part.dynamic_listeners ?? []).map(({ active_state }) => active_state?.listener),
    ),
    route: byName(
      'route',
      configs.flatMap((part) => part.dynamic_route_configs ?? []).map(({ route_config }) => route_config),
    ),
  };
}

/** Reads and prints each resource, so that both spellings of fields come out as one. */
function byName(type: (typeof compared)[number], resources: readonly unknown[]): Readonly<Record<string, unknown>> {
  const schema: DescMessage = schemas[type];
  const entries = resources.map((resource) => {
    const { '@type': _url, ...fields } = withoutContents(resource) as { readonly '@type'?: string };
    const plain = toJson(schema, fromJson(schema, fields as JsonValue, { registry }), { registry });
    return [(plain as { readonly name: string }).name, plain] as const;
  });
  return Object.fromEntries(entries.sort(([one], [other]) => (one < other ? -1 : 1)));
}

const contents = /^(private_?key|certificate_?chain|trusted_?ca)$/i;

function withoutContents(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutContents);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([field]) => !contents.test(field))
      .map(([field, content]) => [field, withoutContents(content)]),
  );
}
