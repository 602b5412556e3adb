// A request body as a document: JSON, or YAML when it says so.
import { MeshError, parseJson, parseYamlDocuments } from '@ursa/resources';
import type { RequestBody } from './route.ts';

/** Characters of a YAML body: hostile YAML costs the parser some 8 µs per character, a hundred times what JSON costs. */
const maximumYamlLength = 256 * 1024;

/** What one document may be made of. More would hold up everybody else for more than some hundredths of a second. */
export const documentLimits = { maximumValues: 60_000, maximumMarks: 3_000 };

/** Whether bodies of this content type can be read as documents. */
export function isDocumentType(contentType: string): boolean {
  return isJson(contentType) || isYaml(contentType);
}

/**
 * The document in a body. Errors: `MeshError` 'invalid' that says where the text is broken, or which key occurs twice, is refused, or lies too deep;
 * 'too-large' for YAML of more than 256 Ki characters, and for more values or lines than are read.
 */
export function parseBody({ text, contentType }: RequestBody): unknown {
  if (text.trim() === '') throw new MeshError('invalid', 'the body is empty: expected a resource as JSON');
  try {
    return isYaml(contentType) ? parseYaml(text) : parseJson(text, 'the body', documentLimits.maximumValues);
  } catch (error) {
    // The lines that show the text at fault are left out: it may be a secret, and answers end up in logs.
    if (error instanceof MeshError) throw new MeshError(error.code, error.message.split('\n')[0] ?? '');
    throw error;
  }
}

function isJson(contentType: string): boolean {
  return /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(contentType);
}

function isYaml(contentType: string): boolean {
  return /^(?:application|text)\/(?:x-)?yaml\s*(?:;|$)/i.test(contentType);
}

function parseYaml(text: string): unknown {
  const limits = { source: 'the body', maximumLength: maximumYamlLength, maximumAliases: 0, ...documentLimits };
  const [document, another] = parseYamlDocuments(text, limits);
  if (another !== undefined) throw new MeshError('invalid', 'the body holds several documents: send them one by one');
  return document?.value;
}
