// Ports by which people get into this host.
import type { Host } from './host.ts';

const usualPort = 22;
const servers: ReadonlySet<string> = new Set(['sshd', 'sshd-session', 'dropbear']);
/** State of a socket that listens, in /proc/net/tcp. */
const listening = '0A';

interface Listener {
  readonly port: number;
  readonly inode: string;
}

/**
 * Port 22 if anything listens there (systemd does for sshd), ports on which SSH servers listen, and the one of this very connection; sorted.
 * `connection` is `$SSH_CONNECTION`: the client's address and port, ours and its port.
 */
export function findSshPorts(host: Host, connection: string | undefined): readonly number[] {
  const listeners = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) => listenersOf(host.read(file) ?? ''));
  const ofServers = socketsOfServers(host);
  const ports = listeners
    .filter(({ port, inode }) => port === usualPort || ofServers.has(inode))
    .map(({ port }) => port);
  const own = Number(connection?.split(' ')[3]);
  return [...new Set([...ports, ...(own > 0 ? [own] : [])])].sort((first, second) => first - second);
}

function listenersOf(table: string): readonly Listener[] {
  return table
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((columns) => columns[3] === listening)
    .map((columns) => ({ port: Number.parseInt(columns[1]?.split(':')[1] ?? '', 16), inode: columns[9] ?? '' }));
}

function socketsOfServers(host: Host): ReadonlySet<string> {
  const processes = host
    .list('/proc')
    .filter((name) => /^\d+$/.test(name) && servers.has((host.read(`/proc/${name}/comm`) ?? '').trim()));
  const links = processes.flatMap((pid) =>
    host.list(`/proc/${pid}/fd`).map((fd) => host.readLink(`/proc/${pid}/fd/${fd}`)),
  );
  return new Set(links.map((link) => link.match(/^socket:\[(\d+)\]$/)?.[1] ?? ''));
}
