// Which bodies are read at all. A form or plain text, which any web page can post without asking, is not.
import { isDocumentType } from './document.ts';
import { Failure } from './failure.ts';
import type { RequestBody } from './route.ts';

/** Errors: 415 unless the body says that it is JSON or YAML. */
export function requireDocumentType(body: RequestBody): void {
  if (isDocumentType(body.contentType)) return;
  const found = body.contentType === '' ? 'none' : JSON.stringify(body.contentType.slice(0, 100));
  const detail = `content type must be application/json or application/yaml, found ${found}`;
  throw new Failure(415, 'Unsupported media type', detail);
}
