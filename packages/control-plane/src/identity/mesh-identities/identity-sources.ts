// Where MeshIdentities of the bundled provider read their CA from: Secrets, the resource itself, and files and environment variables of the control
// plane, which are read here so that derivations need not.
import { readFile } from 'node:fs/promises';
import type { Collection } from '@ursa/collections';
import type { MeshIdentitySpec, Resource } from '@ursa/resources';
import type { LiveResources } from '../../store/live-resources.ts';

type Bundled = NonNullable<NonNullable<MeshIdentitySpec['provider']>['bundled']>;

/** Where a certificate or key is, as a MeshIdentity says it. */
export type IdentitySource = NonNullable<NonNullable<Bundled['ca']>['certificate']>;

/** Contents by place, see `placeOf`; what cannot be read is not there. */
export interface IdentitySources {
  readonly contents: Collection<string>;
  /** Resolves when everything that was named so far has been read. */
  loaded(): Promise<void>;
  stop(): void;
}

/** Key of a source outside of the store; undefined for the others. */
export function placeOf(source: IdentitySource | undefined): string | undefined {
  if (source?.type === 'File') return `file:${source.file?.path ?? ''}`;
  return source?.type === 'EnvVar' ? `env:${source.envVar?.name ?? ''}` : undefined;
}

/** A source, for people. */
export function describeIdentitySource(source: IdentitySource | undefined): string {
  switch (source?.type) {
    case 'File':
      return `the file ${source.file?.path ?? ''} of the control plane's machine`;
    case 'EnvVar':
      return `the environment variable ${source.envVar?.name ?? ''} of the control plane`;
    case 'Secret':
      return `the Secret "${source.secretRef?.name ?? ''}" of the mesh`;
    default:
      return 'the value in the resource';
  }
}

/** Reads what MeshIdentities name now and later. A written MeshIdentity is a reason to read again: that is how a user says that a file has changed. */
export function openIdentitySources(live: LiveResources): IdentitySources {
  const { graph } = live;
  const contents = graph.source<string>('identity-sources');
  const wanted = graph.derive('identity-sources/wanted', () => {
    const identities = live.resources('MeshIdentity');
    return identities.keys().flatMap((key) => {
      const identity = identities.get(key);
      const { certificate, privateKey } = caOf(identity) ?? {};
      // Statuses are written too, and say nothing of files.
      const written = JSON.stringify(identity?.spec);
      return [placeOf(certificate), placeOf(privateKey)].flatMap((place) =>
        place === undefined ? [] : [{ place, written }],
      );
    });
  });
  let reading: Promise<unknown> = Promise.resolve();
  const readAll = (list: readonly { readonly place: string }[]): void => {
    const places = [...new Set(list.map(({ place }) => place))];
    const previous = reading;
    reading = Promise.all(places.map(read)).then(async (texts) => {
      await previous;
      graph.batch(() => {
        for (const place of contents.keys()) if (!places.includes(place)) contents.delete(place);
        for (const [position, place] of places.entries()) {
          const text = texts[position];
          if (text === undefined) contents.delete(place);
          else contents.set(place, text);
        }
      });
    });
  };
  const watch = graph.watch(wanted, [], readAll);
  readAll(watch.value);
  return {
    contents,
    async loaded() {
      await reading;
    },
    stop: () => watch.stop(),
  };
}

/** The CA that a MeshIdentity was given; undefined where it has none, or makes one. */
export function caOf(identity: Pick<Resource, 'spec'> | undefined): Bundled['ca'] {
  const { provider } = (identity?.spec ?? {}) as MeshIdentitySpec;
  if (provider?.type !== 'Bundled' || provider.bundled?.autogenerate?.enabled === true) return undefined;
  return provider.bundled?.ca;
}

async function read(place: string): Promise<string | undefined> {
  const [kind, name] = [place.slice(0, place.indexOf(':')), place.slice(place.indexOf(':') + 1)];
  if (kind === 'env') return process.env[name];
  return await readFile(name, 'utf8').catch(() => undefined);
}
