// The protocol that was found out last: an application that is down while its proxy starts speaks tomorrow what it spoke yesterday.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writePrivate } from '../private-file.ts';

const fileName = 'protocol';

/** Remembers it for a service; without a folder to write to, it is found out again next time. */
export function rememberProtocol(folder: string, service: string, protocol: string): void {
  try {
    writePrivate(folder, fileName, `${service} ${protocol}\n`);
  } catch {
    // A proxy that keeps nothing works as well.
  }
}

/** What was remembered of this service; undefined when nothing was. */
export function rememberedProtocol(folder: string, service: string): string | undefined {
  try {
    const [known, protocol] = readFileSync(join(folder, fileName), 'utf8').trim().split(' ');
    return known === service ? protocol : undefined;
  } catch {
    return undefined;
  }
}
