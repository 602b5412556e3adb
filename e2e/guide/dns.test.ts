// Every command of the guide "DNS" does what the guide says, on hosts that are network namespaces.
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { hostsMissing, isInside, openHosts, runInside } from '../harness/hosts.ts';
import { runHostsGuide } from '../harness/hosts-guide.ts';

const guide = join(import.meta.dirname, '../../docs/guide/dns.md');

const missing = hostsMissing();
if (missing !== false) {
  test('the guide "DNS"', { skip: missing }, () => {}); // because its hosts are network namespaces with real iptables
} else if (isInside) {
  test('the guide, block by block', story);
} else {
  test('the guide "DNS" does what it says', () => runInside(import.meta.filename));
}

async function story(context: TestContext): Promise<void> {
  const hosts = openHosts();
  const client = hosts.add('client', 2);
  const server = hosts.add('server', 3);
  const outside = hosts.add('outside', 9);
  outside.serveDns({ 'www.example': outside.ipv4 });
  hosts.setDnsServers(outside.ipv4);
  server.serve(['http', '127.0.0.1', 8080, 'backend']);
  await runHostsGuide(context, guide, hosts, { 'on the client': client, 'on the server': server, outside });
}
