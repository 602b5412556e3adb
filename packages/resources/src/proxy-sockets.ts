// Sockets and pipes between a proxy's Envoy and its kuma-dp, whose paths both sides have to arrive at.

/** What follows on it: access logs for TCP addresses, or the metrics that kuma-dp gathers. */
export type ProxySocket = 'kuma-al' | 'kuma-mh';

/** Bytes of a path before its ending: the peers cut there, as the kernel takes 107 altogether. */
const longestStem = 98;

/**
 * Path of a proxy's socket, `<workdir>/<kind>-<name>-<mesh>.sock`. Long names are cut, but never the folder: one that is too long for any socket
 * gives a path that is too long.
 */
export function proxySocketPath(workdir: string, kind: ProxySocket, proxy: { name: string; mesh: string }): string {
  const folder = `${workdir}/`;
  const stem = `${kind}-${proxy.name}-${proxy.mesh}`;
  const room = Math.max(kind.length, longestStem - new TextEncoder().encode(folder).length);
  return `${folder}${stem.slice(0, room)}.sock`;
}
