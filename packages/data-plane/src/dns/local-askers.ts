// Who is answered: this host, and its virtual networks whose traffic is redirected. A DNS server that answers anybody is used against others.
import { BlockList, isIPv4 } from 'node:net';
import { networkInterfaces } from 'node:os';

/** Addresses of this host; redirected questions come from the one with which they would have left. */
function ownAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((each) => (each ?? []).map(({ address }) => address));
}

/** Whether an address belongs to this host or to one of the networks (`172.17.0.0/16`, `fd00::/8`). `own`: addresses of this host as of now. */
export function localAskers(
  networks: readonly string[],
  own: () => readonly string[] = ownAddresses,
): (address: string | undefined) => boolean {
  const list = new BlockList();
  for (const network of ['127.0.0.0/8', '::1/128', ...networks]) {
    const [address = '', prefix = ''] = network.split('/');
    list.addSubnet(address, Number(prefix), isIPv4(address) ? 'ipv4' : 'ipv6');
  }
  return (address) =>
    address !== undefined && (list.check(address, isIPv4(address) ? 'ipv4' : 'ipv6') || own().includes(address));
}
