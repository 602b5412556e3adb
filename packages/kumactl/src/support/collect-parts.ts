// Gathers the parts of a bundle for a bug report. Each part on its own: what cannot be had is noted with the reason, and the rest goes on.
import type { ApiClient } from '../api-client.ts';
import { field, listOf } from '../json-fields.ts';
import { fetchTypes } from '../server-types.ts';
import { redactJson, redactLines } from './redact-parts.ts';

/** A part, or why it is missing. */
export type Part = PresentPart | { readonly path: string; readonly missing: string };

/** A part that is there. */
export interface PresentPart {
  readonly path: string;
  readonly text: string;
  /** What of it was left out to keep the bundle small. */
  readonly note?: string;
}

/** Where parts come from. */
export interface PartsSources {
  readonly api: ApiClient;
  /** The diagnostics server. */
  readonly diagnostics: ApiClient;
  /** Proxies whose Envoys are asked: `mesh` and name. */
  readonly proxies: readonly { readonly mesh: string; readonly name: string }[];
}

// A part is cut here, and a bundle ends here: it goes by mail.
const largestPart = 8 << 20;
const largestBundle = 64 << 20;
const pageSize = 1000;
const mostPages = 10;
const secretTypes: ReadonlySet<string> = new Set(['Secret', 'GlobalSecret']);

/** All parts, in the order of their paths in the bundle. Never throws. */
export async function collectParts(sources: PartsSources): Promise<readonly Part[]> {
  const { api, diagnostics, proxies } = sources;
  const parts: Part[] = [];
  let total = 0;

  const add = async (path: string, read: () => Promise<{ readonly text: string; readonly note?: string }>) => {
    try {
      if (total >= largestBundle) throw new Error('left out: the bundle is as large as it may be');
      const { text, note } = await read();
      const cut = text.length > largestPart;
      const kept = cut ? text.slice(0, largestPart) : text;
      total += kept.length;
      const notes = [note, cut ? `cut at ${largestPart >> 20} MiB` : undefined].filter((word) => word !== undefined);
      parts.push({ path, text: kept, ...(notes.length === 0 ? {} : { note: notes.join('; ') }) });
    } catch (error) {
      parts.push({ path, missing: redactLines(error instanceof Error ? error.message : String(error)) });
    }
  };
  const json = (path: string, client: ApiClient, from: string, isSecret = false) =>
    add(path, async () => ({ text: formatJson(redactJson(await client.get(from), isSecret)) }));
  const text = (path: string, client: ApiClient, from: string) =>
    add(path, async () => ({
      text: redactLines((await client.send({ method: 'GET', path: from, accept: '*/*' })).text),
    }));
  const list = (path: string, from: string, isSecret = false) =>
    add(path, async () => {
      const { items, total: all } = await readAll(api, from);
      const note = items.length < all ? { note: `${items.length} of ${all}` } : {};
      return { text: formatJson(redactJson({ total: all, items }, isSecret)), ...note };
    });

  await json('control-plane/index.json', api, '/');
  const isReachable = 'text' in (parts[0] ?? {});
  await add('diagnostics/ready.json', async () => {
    const ready = await diagnostics.send({ method: 'GET', path: '/ready', anyStatus: true });
    return { text: redactLines(ready.text) };
  });
  await text('diagnostics/metrics.txt', diagnostics, '/metrics');
  await json('diagnostics/log-levels.json', diagnostics, '/logging');
  if (!isReachable) return parts;
  await json('control-plane/who-am-i.json', api, '/who-am-i');
  await json('control-plane/config.json', api, '/config');
  await text('control-plane/log.jsonl', api, '/_log');
  await json('control-plane/resource-types.json', api, '/_resources');
  await json('insights/global.json', api, '/global-insight');
  await json('insights/rollout.json', api, `/_rollout?size=${pageSize}`);
  await list('insights/dataplanes.json', '/dataplanes/_overview');
  await addResources();
  for (const { mesh, name } of proxies) await addProxy(mesh, name);
  return parts;

  async function addResources(): Promise<void> {
    let types: Awaited<ReturnType<typeof fetchTypes>> = [];
    await add('resources/types.txt', async () => {
      types = await fetchTypes(api);
      return { text: `${types.map((type) => type.name).join('\n')}\n` };
    });
    for (const { name, path } of types) await list(`resources/${path}.json`, `/${path}`, secretTypes.has(name));
  }

  async function addProxy(mesh: string, name: string): Promise<void> {
    const from = `/meshes/${encodeURIComponent(mesh)}/dataplanes/${encodeURIComponent(name)}`;
    const folder = `dataplanes/${fileName(mesh)}/${fileName(name)}`;
    await json(`${folder}/config-dump.json`, api, `${from}/xds`);
    await text(`${folder}/stats.txt`, api, `${from}/stats`);
    await text(`${folder}/clusters.txt`, api, `${from}/clusters`);
    await json(`${folder}/config.json`, api, `${from}/_config`);
    await json(`${folder}/rules.json`, api, `${from}/_rules`);
  }
}

function formatJson(value: unknown): string {
  return `${JSON.stringify(value, null, 1)}\n`;
}

/** A name as a part of a path: without separators and dots that lead elsewhere. */
function fileName(name: string): string {
  return name
    .replaceAll(/[^\w.-]/g, '_')
    .replaceAll('..', '__')
    .slice(0, 60);
}

async function readAll(
  api: ApiClient,
  path: string,
): Promise<{ readonly items: readonly unknown[]; readonly total: number }> {
  const items: unknown[] = [];
  let total = 0;
  for (let page = 0; page < mostPages; page += 1) {
    const answer = await api.get(`${path}?size=${pageSize}&offset=${page * pageSize}`);
    items.push(...listOf(answer, 'items'));
    total = Number(field(answer, 'total') ?? items.length);
    if (items.length >= total) break;
  }
  return { items, total };
}
