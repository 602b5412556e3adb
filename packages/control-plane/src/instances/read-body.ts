// The whole body of a message between instances.
import type { IncomingMessage } from 'node:http';
import { MeshError } from '@ursa/resources';

/** The body as text. Errors: `MeshError('too-large')`; those of the connection. */
export async function bodyOf(message: IncomingMessage, largest: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > largest) throw new MeshError('too-large', `a body must have at most ${largest} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
