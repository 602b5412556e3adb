// `node scripts/document.ts`: writes the generated pages of the reference.
import './generate.ts';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from './process.ts';

// Imported late: the pages need the generated API.
const { pages } = await import('./reference/pages.ts');
for (const { file, text } of pages) {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), await text());
}
