// What a list names twice although only one can be meant. The peer stores such lists without a word, so they are taken here, too, and warned of.

/** A warning for each entry that has the key of an earlier one. `keyOf`: undefined for what is compared with nothing; `what` says it for people. */
export function givenTwice<Entry>(
  field: string,
  entries: readonly Entry[],
  keyOf: (entry: Entry) => string | undefined,
  consequence: string,
): readonly string[] {
  const first = new Map<string, number>();
  return entries.flatMap((entry, index) => {
    const key = keyOf(entry);
    if (key === undefined) return [];
    const earlier = first.get(key);
    if (earlier === undefined) first.set(key, index);
    return earlier === undefined
      ? []
      : [`${field}[${index}]: ${key} is that of ${field}[${earlier}] too: ${consequence}`];
  });
}

/** Ports of a service: each number and each name means one of them. */
export function portsGivenTwice(
  ports: readonly { readonly port: number; readonly name?: string }[],
): readonly string[] {
  return [
    ...givenTwice('spec.ports', ports, ({ port }) => `port ${port}`, 'only the first of them counts'),
    ...givenTwice(
      'spec.ports',
      ports,
      ({ name }) => (name === undefined || name === '' ? undefined : `name "${name}"`),
      'give each port a name of its own',
    ),
  ];
}
