// Finds a key that one object of a JSON text has twice. `JSON.parse` silently takes the last one.

/**
 * The first key that occurs twice in one object, or undefined. Reads well-formed JSON; of anything else it may say either, since the parser
 * that comes after refuses it.
 */
export function duplicateJsonKey(json: string): string | undefined {
  // One set of keys for each object that is open, undefined for each list.
  const open: (Set<string> | undefined)[] = [];
  // Ends a string at the end of the text too, so that no start is tried in vain: linear for any input.
  const text = /"(?:[^"\\]|\\.?)*(?:"|$)|[{}[\]]/gs;
  for (const match of json.matchAll(text)) {
    const token = match[0];
    if (token === '{') open.push(new Set());
    else if (token === '[') open.push(undefined);
    else if (token === '}' || token === ']') open.pop();
    else if (isKey(json, match.index + token.length)) {
      const keys = open.at(-1);
      const key = unescapeJson(token);
      if (keys?.has(key)) return key;
      keys?.add(key);
    }
  }
  return undefined;
}

function isKey(json: string, end: number): boolean {
  let position = end;
  while (json[position] === ' ' || json[position] === '\n' || json[position] === '\r' || json[position] === '\t')
    position++;
  return json[position] === ':';
}

function unescapeJson(quoted: string): string {
  try {
    return String(JSON.parse(quoted));
  } catch {
    return quoted;
  }
}
