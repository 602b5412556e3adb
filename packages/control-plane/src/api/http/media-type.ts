// Which bodies are read at all. A form or plain text, which any web page can post without asking, is not.
import { isDocumentType } from './document.ts';
import { Failure } from './failure.ts';
import type { RequestBody } from './route.ts';

/** Errors: 415 unless the body says that it is JSON or YAML. */
export function requireDocumentType(body: Pick<RequestBody, 'contentType'>): void {
  if (!isDocumentType(body.contentType)) throw unsupportedMediaType(body.contentType);
}

/** 415 that says which content types are read. */
export function unsupportedMediaType(contentType: string): Failure {
  const found = contentType === '' ? 'none' : JSON.stringify(contentType.slice(0, 100));
  const detail = `content type must be application/json or application/yaml, found ${found}`;
  return new Failure(415, 'Unsupported media type', detail);
}
