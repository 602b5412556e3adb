// Changes a document somewhere: values that nobody expects, keys that are gone, given twice or belong elsewhere.
type Random = (below: number) => number;

const hostileValues: readonly unknown[] = [
  null,
  '',
  ' ',
  'x'.repeat(5_000),
  'a\0b',
  '\ud800',
  '__proto__',
  '*',
  '0',
  '-1s',
  '1e9',
  '99999999999h',
  '999999999999999999999',
  '((((((((((a+)+)+)+)+)+)+)+)+)+)$',
  '[',
  '\\',
  '%ENVIRONMENT(PATH)%',
  '%',
  '{{',
  '{{ label "x" }}',
  '../../etc/passwd',
  'http://169.254.169.254/',
  'kuma.io/service',
  0,
  -1,
  1,
  0.5,
  65_536,
  4_294_967_296,
  Number.MAX_SAFE_INTEGER + 2,
  -0,
  true,
  false,
  [],
  {},
  [[]],
  [null],
  { '': '' },
  { constructor: {} },
  { kind: 'Mesh' },
  { kind: 'MeshSubset', tags: {} },
  { kind: 'MeshService', name: 'a', labels: {} },
  Array.from({ length: 300 }, (_, index) => index),
  Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`key-${index}`, 'x'])),
];

interface Spot {
  readonly holder: Record<string, unknown> | unknown[];
  readonly key: string;
}

/** A changed copy. `donors`: where strange values of the right shape come from. */
export function mutateDocument(document: object, donors: readonly object[], random: Random): object {
  const copy = structuredClone(document);
  for (let change = random(3); change >= 0; change -= 1) {
    const spots = spotsOf(copy);
    const spot = spots[random(spots.length)];
    if (spot !== undefined) mutateAt(spot, donors, random);
  }
  return copy;
}

function mutateAt({ holder, key }: Spot, donors: readonly object[], random: Random): void {
  const value: unknown = Reflect.get(holder, key);
  switch (random(7)) {
    case 0:
      if (Array.isArray(holder)) holder.splice(Number(key), 1);
      else delete holder[key];
      break;
    case 1:
      Reflect.set(holder, Array.isArray(holder) ? key : `${key}x`, structuredClone(value));
      break;
    case 2:
      Reflect.set(holder, key, [value]);
      break;
    case 3: {
      const elsewhere = spotsOf(donors[random(donors.length)] ?? {});
      const donor = elsewhere[random(elsewhere.length)];
      if (donor !== undefined) Reflect.set(holder, key, structuredClone(Reflect.get(donor.holder, donor.key)));
      break;
    }
    case 4:
      if (Array.isArray(value))
        Reflect.set(
          holder,
          key,
          Array.from({ length: 1 + random(200) }, () => value[0]),
        );
      else if (typeof value === 'string') Reflect.set(holder, key, value.repeat(1 + random(50)));
      break;
    default:
      Reflect.set(holder, key, structuredClone(hostileValues[random(hostileValues.length)]));
  }
}

function spotsOf(value: object, spots: Spot[] = []): readonly Spot[] {
  for (const key of Object.keys(value)) {
    spots.push({ holder: value as Spot['holder'], key });
    const inner: unknown = Reflect.get(value, key);
    if (typeof inner === 'object' && inner !== null) spotsOf(inner, spots);
  }
  return spots;
}
