// Metrics of the program itself. Whoever has something to count keeps a plain object and writes into it; everything else happens when
// somebody reads. Each family has a bounded number of series: names that come from outside must not fill the memory.
import { type Distribution, type DistributionCounts, distribution, distributionSamples } from './distribution.ts';
import {
  type Family,
  type FamilyType,
  formatPrometheus,
  formatValue,
  type Label,
  type Sample,
} from './prometheus-text.ts';

/** A number that only grows. */
export interface Count {
  value: number;
}

/** Series of one family, told apart by the values of its labels. */
export interface Series<Item> {
  /** The series with these values, made when it is new. Keep it where it is asked for often. */
  of(...values: readonly string[]): Item;
}

/** One series as it is read: the values of the labels, then the number. */
export type Reading = readonly [values: readonly string[], value: number];

/** Where metrics are declared, and read. */
export interface Meter {
  /** A family of counters. */
  counter(name: string, help: string, labels?: readonly string[]): Series<Count>;
  /** A family of histograms with these upper bounds. */
  histogram(name: string, help: string, bounds: readonly number[], labels?: readonly string[]): Series<Distribution>;
  /** A family whose values are taken when somebody reads. */
  reads(
    name: string,
    type: 'gauge' | 'counter',
    help: string,
    labels: readonly string[],
    read: () => Iterable<Reading>,
  ): void;
  /** The same without labels. */
  read(name: string, type: 'gauge' | 'counter', help: string, read: () => number): void;
  /** Everything, as of now, in the order of the names. */
  families(): readonly Family[];
  /** Everything, as of now, in Prometheus's text format. */
  text(): string;
}

/** How a meter is set up. */
export interface MeterOptions {
  /** Stand at every series. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Series of one family at most; further ones are counted together as `other`. */
  readonly mostSeries?: number;
}

/** The text format's media type. */
export const metricsContentType = 'text/plain; version=0.0.4; charset=utf-8';

const rest = 'other';

/** A meter without families. */
export function createMeter({ labels: constant = {}, mostSeries = 1000 }: MeterOptions = {}): Meter {
  const readers = new Map<string, () => Family>();
  const constantLabels: readonly Label[] = Object.entries(constant);

  const declare = (name: string, type: FamilyType, help: string, samples: () => Sample[]): void => {
    if (readers.has(name)) throw new Error(`the metric ${name} is declared twice`);
    readers.set(name, () => ({ name, type, help, samples: samples() }));
  };
  const labelled = (names: readonly string[], values: readonly string[]): readonly Label[] => [
    ...names.map((name, index): Label => [name, values[index] ?? '']),
    ...constantLabels,
  ];
  const series = <Item>(names: readonly string[], make: () => Item) => {
    const items = new Map<string, { readonly values: readonly string[]; readonly item: Item }>();
    const of = (...values: readonly string[]): Item => {
      const key = values.length === 1 ? (values[0] ?? '') : values.join('\0');
      const known = items.get(key);
      if (known !== undefined) return known.item;
      const others = names.map(() => rest);
      if (items.size >= mostSeries && values.some((value) => value !== rest)) return of(...others);
      const item = make();
      items.set(key, { values, item });
      return item;
    };
    // Without labels there is one series, which is there from the start.
    if (names.length === 0) of();
    return { of, all: () => items.values() };
  };

  return {
    counter(name, help, labels = []) {
      const { of, all } = series<Count>(labels, () => ({ value: 0 }));
      declare(name, 'counter', help, () =>
        [...all()].map(({ values, item }) => sampleOf(name, labelled(labels, values), item.value)),
      );
      return { of };
    },
    histogram(name, help, bounds, labels = []) {
      const { of, all } = series<Distribution & DistributionCounts>(labels, () => distribution(bounds));
      declare(name, 'histogram', help, () =>
        [...all()].flatMap(({ values, item }) => distributionSamples(name, labelled(labels, values), item)),
      );
      return { of };
    },
    reads(name, type, help, labels, read) {
      declare(name, type, help, () =>
        [...read()].slice(0, mostSeries).map(([values, value]) => sampleOf(name, labelled(labels, values), value)),
      );
    },
    read(name, type, help, read) {
      declare(name, type, help, () => [sampleOf(name, constantLabels, read())]);
    },
    families,
    text: () => formatPrometheus(families()),
  };

  function families(): readonly Family[] {
    const names = [...readers.keys()].sort();
    return names.flatMap((name) => readers.get(name)?.() ?? []);
  }
}

function sampleOf(name: string, labels: readonly Label[], value: number): Sample {
  return { name, labels, value: formatValue(value) };
}
