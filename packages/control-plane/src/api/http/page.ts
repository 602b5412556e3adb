// Pages of lists: `size` and `offset` in, a slice and the address of the next page out.
import { Failure } from './failure.ts';
import type { Call } from './route.ts';

/** Which part of a list is asked for. */
export interface Page {
  readonly size: number;
  readonly offset: number;
}

const defaultSize = 100;
const maximumSize = 1000;

/** Reads `size` (1..1000, 100 when absent) and `offset` (from 0). `title` heads the refusal. */
export function parsePage(query: URLSearchParams, title: string): Page {
  return { size: parseSize(query.get('size') ?? '', title), offset: parseOffset(query.get('offset') ?? '', title) };
}

function parseSize(text: string, title: string): number {
  if (text === '') return defaultSize;
  const size = parseInteger(text);
  const refuse = (message: string) =>
    new Failure(400, title, 'Invalid page size', { violations: [{ field: 'size', message }] });
  if (size === undefined) throw refuse('invalid format');
  if (size > maximumSize) throw refuse(`invalid page size of ${size}. Maximum page size is ${maximumSize}`);
  if (size <= 0) throw refuse(`invalid page size of ${size}. It must be greater than 0`);
  return size;
}

function parseOffset(text: string, title: string): number {
  if (text === '') return 0;
  const offset = parseInteger(text);
  if (offset === undefined) {
    const shown = JSON.stringify(text.slice(0, 100));
    throw new Failure(400, title, `invalid: invalid offset: strconv.Atoi: parsing ${shown}: invalid syntax`);
  }
  if (offset < 0) throw new Failure(400, title, 'invalid: invalid offset: must not be negative');
  return offset;
}

function parseInteger(text: string): number | undefined {
  const value = /^[+-]?\d{1,15}$/.test(text) ? Number(text) : undefined;
  return value;
}

/** Cuts a page out of a list. */
export function slicePage<Item>(items: readonly Item[], page: Page): readonly Item[] {
  return items.slice(page.offset, page.offset + page.size);
}

/** Absolute address of the page after this one, its parameters sorted; null at the end of the list. */
export function nextPage(call: Pick<Call, 'url' | 'origin'>, page: Page, total: number): string | null {
  const offset = page.offset + page.size;
  if (offset >= total) return null;
  const [path = '', queryText = ''] = splitOnce(call.url, '?');
  const query = new URLSearchParams(queryText);
  query.set('offset', String(offset));
  query.sort();
  return `${call.origin}${path}?${query}`;
}

function splitOnce(text: string, separator: string): readonly string[] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}
