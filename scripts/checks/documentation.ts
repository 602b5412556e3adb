// Generated pages are fresh, and links between pages lead somewhere.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from '../process.ts';
import type { Check } from './check.ts';
import { trackedFiles } from './tracked-files.ts';

/** The reference is what the code says now, and no relative link is broken. */
export const documentation: Check = {
  name: 'documentation',
  async run() {
    const { pages } = await import('../reference/pages.ts');
    const problems: string[] = [];
    for (const { file, text } of pages) {
      const path = join(root, file);
      if (!existsSync(path) || readFileSync(path, 'utf8') !== (await text()))
        problems.push(`${file} is out of date: run "node scripts/document.ts"`);
    }
    for (const file of trackedFiles(/\.md$/)) {
      for (const [, target = ''] of readFileSync(join(root, file), 'utf8').matchAll(/\]\(([^)\s]+)\)/g)) {
        const [place = ''] = target.split('#');
        if (place === '' || /^[a-z]+:/.test(place)) continue;
        if (!existsSync(join(root, dirname(file), place)))
          problems.push(`${file}: the link to ${target} leads nowhere`);
      }
    }
    return problems;
  },
};
