// Contents of the files that mTLS backends name, read when a Mesh comes or is written again, so that derivations need not touch a disk.
import { readFile } from 'node:fs/promises';
import type { Collection } from '@ursa/collections';
import type { LiveResources } from '../../store/live-resources.ts';
import { authorityFiles } from './mesh-authorities.ts';

/** Files by path; a file that cannot be read is not there. */
export interface AuthorityFiles {
  readonly contents: Collection<string>;
  /** Resolves when everything that was named so far has been read. */
  loaded(): Promise<void>;
  /** Reads all of them again: somebody has found that what one of them held is no longer good. */
  refresh(): void;
  stop(): void;
}

/** Reads the files that meshes name now and later. */
export function openAuthorityFiles(live: LiveResources): AuthorityFiles {
  const contents = live.graph.source<string>('authority-files');
  // The version makes every write of a Mesh a reason to read again: that is how a user says that a file has changed.
  const wanted = live.graph.derive('authority-files/wanted', () => {
    const meshes = live.resources('Mesh');
    return meshes.keys().flatMap((key) => {
      const mesh = meshes.get(key);
      return authorityFiles(mesh).map((path) => ({ path, version: mesh?.version ?? 0 }));
    });
  });
  let reading: Promise<unknown> = Promise.resolve();
  const readAll = (files: readonly { readonly path: string }[]): void => {
    const paths = [...new Set(files.map(({ path }) => path))];
    const previous = reading;
    reading = Promise.all(paths.map((path) => readFile(path, 'utf8').catch(() => undefined))).then(async (texts) => {
      await previous;
      live.graph.batch(() => {
        for (const path of contents.keys()) if (!paths.includes(path)) contents.delete(path);
        for (const [position, path] of paths.entries()) {
          const text = texts[position];
          if (text === undefined) contents.delete(path);
          else contents.set(path, text);
        }
      });
    });
  };
  const watch = live.graph.watch(wanted, [], readAll);
  readAll(watch.value);
  return {
    contents,
    async loaded() {
      await reading;
    },
    refresh: () => readAll(wanted.get()),
    stop: () => watch.stop(),
  };
}
