// Names and labels from the edge of what a resource may be called.
import type { Head } from './shown-scenario.ts';

/** A head that differs in one place. */
export interface HeadVariant {
  readonly place: 'name' | 'labels';
  readonly content: string;
  readonly head: Partial<Head>;
}

const letters = (count: number): string => 'a'.repeat(count);
const dotted = (count: number): string => 'a.'.repeat(count).slice(0, count);

/** Names of meshes: they stand in names of certificates, servers and statistics. */
export const hostileMeshNames: readonly string[] = ['0', 'a.b', letters(62), letters(63), letters(253), dotted(253)];

const names = ['0', 'a.b', '1.2.3.4', 'a-b.c-d', 'A', 'a_b', letters(63), letters(64), letters(253), dotted(253)];

const values = ['', '0', 'A.b_C', letters(63)];
const keys = ['kuma.io/display-name', 'k8s.kuma.io/namespace', 'kuma.io/zone', 'kuma.io/workload', 'app'];
const longestKey = `${dotted(253)}/${letters(63)}`;

/** Heads that may or may not be valid. */
export const hostileHeads: readonly HeadVariant[] = [
  ...names.map((name): HeadVariant => ({ place: 'name', content: name, head: { name } })),
  ...[...keys.flatMap((key) => values.map((value) => [key, value] as const)), [longestKey, letters(63)] as const].map(
    ([key, value]): HeadVariant => ({
      place: 'labels',
      content: `${key}: ${value}`,
      head: { labels: { [key]: value } },
    }),
  ),
];
