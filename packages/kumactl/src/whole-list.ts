// Lists come in pages; who looks at how all of a kind fare wants all of them.
import type { ApiClient } from './api-client.ts';
import { field, listOf } from './json-fields.ts';

/** The answer of a list with the items of all its pages. An answer that is no list is given back as it is. */
export async function getWholeList(client: ApiClient, path: string): Promise<unknown> {
  const first = await client.get(path);
  if (typeof field(first, 'next') !== 'string') return first;
  const items = [...listOf(first, 'items')];
  for (let page = first; typeof field(page, 'next') === 'string'; ) {
    page = await client.get(`${path}${path.includes('?') ? '&' : '?'}offset=${items.length}`);
    const found = listOf(page, 'items');
    // Some may have gone since the page before.
    if (found.length === 0) break;
    items.push(...found);
  }
  return { ...(first as object), items, total: items.length, next: null };
}
