// Server names of TLS connections between proxies. Zone proxies route by them, so that peers in other zones must arrive at the same ones.
import { fitSni, fnv64a } from '@ursa/resources';

/** `service{key=value,…,mesh=name}`: a service known by its tag, with the other tags of the outbound, sorted. */
export function serviceSni(mesh: string, tags: Readonly<Record<string, string>>): string {
  const { 'kuma.io/service': service = '', ...others } = tags;
  const pairs = Object.entries({ ...others, mesh }).sort(([first], [second]) => (first < second ? -1 : 1));
  return fitSni(`${service}{${pairs.map(([key, value]) => `${key}=${value}`).join(',')}}`);
}

/** What stands for a name in a server name of 2.14: with more than 62 characters their first 62 and an `x`. */
function label(name: string): string {
  return name.length > 62 ? `${name.slice(0, 62)}x` : name;
}

/** `a<hash>.<name>.<port>.<mesh>.<kind>`, the form of 2.14 for a port of a resource; `kind` is ms, mes or mzms. */
export function legacySni(name: string, mesh: string, port: number, kind: 'ms' | 'mes' | 'mzms'): string {
  return `a${fnv64a(`${name};${mesh};`)}.${label(name)}.${port}.${label(mesh)}.${kind}`;
}
