// The body of `_config`: what Envoy of one proxy is configured with, by type and name. Keys and certificates are left out: whoever may see a
// configuration may not impersonate its proxy.
import type { ProxyConfig } from '@ursa/engine';
import { type EnvoyResource, type EnvoyType, resourceJson, typeUrls } from '@ursa/envoy';

const shownTypes: readonly EnvoyType[] = ['cluster', 'endpoint', 'listener', 'route', 'secret'];

/** `{<type URL>: {<name>: <resource>}}`, types without resources left out. */
export function formatConfig(config: ProxyConfig): Readonly<Record<string, unknown>> {
  const byType = shownTypes.flatMap((type) => {
    const resources = config.resources[type];
    if (resources.size === 0) return [];
    const names = [...resources.keys()].sort();
    const shown = names.map((name) => {
      const resource = resources.get(name);
      return [name, resource === undefined ? null : shownResource(resource)] as const;
    });
    return [[typeUrls[type], Object.fromEntries(shown)] as const];
  });
  return Object.fromEntries(byType);
}

/** What stands in place of the content of secrets, base64 as all bytes. Elsewhere it is nothing. */
const placeholders: ReadonlyMap<string, string> = new Map([
  ['certificateChain', base64('CERT')],
  ['privateKey', base64('KEY')],
  ['trustedCa', base64('CA')],
]);

/** Fields that hold something which must not be told, whatever resource they are in. */
const secretFields: ReadonlySet<string> = new Set([
  ...placeholders.keys(),
  'password',
  'secret',
  'sessionTicketKeys',
  'tokenSecret',
  'hmacSecret',
  'crl',
]);

/** A resource as JSON with secrets left out. */
export function shownResource(resource: EnvoyResource): unknown {
  return withoutSecrets(resourceJson(resource), resource.type === 'secret');
}

function withoutSecrets(value: unknown, isSecret: boolean): unknown {
  if (Array.isArray(value)) return value.map((item) => withoutSecrets(item, isSecret));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([field, content]) => [
      field,
      secretFields.has(field) ? concealed(field, content, isSecret) : withoutSecrets(content, isSecret),
    ]),
  );
}

/** A data source keeps the name of its file; content that is inline is replaced. */
function concealed(field: string, content: unknown, isSecret: boolean): unknown {
  if (Array.isArray(content)) return content.map((item) => concealed(field, item, isSecret));
  if (typeof content !== 'object' || content === null) return isSecret ? '' : content;
  if (!('inlineBytes' in content) && !('inlineString' in content)) return withoutSecrets(content, isSecret);
  return { inlineBytes: isSecret ? (placeholders.get(field) ?? '') : '' };
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
