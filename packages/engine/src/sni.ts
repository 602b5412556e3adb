// Server names of TLS connections between proxies. Zone proxies route by them, so that peers in other zones must arrive at the same ones.

/** FNV-1a, 64 bits, as 16 hex digits. */
export function fnv64a(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash.toString(16).padStart(16, '0');
}

/** `service{key=value,…,mesh=name}`: a service known by its tag, with the other tags of the outbound, sorted. */
export function serviceSni(mesh: string, tags: Readonly<Record<string, string>>): string {
  const { 'kuma.io/service': service = '', ...others } = tags;
  const pairs = Object.entries({ ...others, mesh }).sort(([first], [second]) => (first < second ? -1 : 1));
  return `${service}{${pairs.map(([key, value]) => `${key}=${value}`).join(',')}}`;
}

/** `a<hash>.<name>.<port>.<mesh>.<kind>`, the form of 2.14 for a port of a resource; `kind` is ms, mes or mzms. */
export function legacySni(name: string, mesh: string, port: number, kind: 'ms' | 'mes' | 'mzms'): string {
  return `a${fnv64a(`${name};${mesh};`)}.${name}.${port}.${mesh}.${kind}`;
}
