// Two control planes over one database, behind one address for proxies.
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { openServerCertificate } from '../../packages/control-plane/src/identity/server-certificate.ts';
import { openBalancer } from './balancer.ts';
import type { ControlPlaneHost } from './control-plane.ts';
import { controlPlaneOver, type Database } from './database.ts';
import type { FaultContext } from './fault.ts';
import { ownAddress } from './hosts.ts';

const port = 5678;

/** Two of them, not started yet. */
export interface TwoControlPlanes {
  readonly first: ControlPlaneHost;
  readonly second: ControlPlaneHost;
  /** Where proxies find them: a connection goes to the next one that takes it. */
  readonly dataPlaneUrl: string;
}

/** Prepares them, on hosts of these names. */
export async function openTwoControlPlanes(
  context: FaultContext,
  database: Database,
  [firstName, secondName]: readonly [string, string] = ['cp', 'cp2'],
): Promise<TwoControlPlanes> {
  const first = controlPlaneOver(context, database, firstName);
  const second = controlPlaneOver(context, database, secondName);
  // Both show a certificate for the address of the balancer, of which proxies know one authority: that of the first.
  const addresses = [ownAddress, first.host.address, second.host.address];
  await openServerCertificate(first.folder, { dnsNames: ['localhost'], addresses });
  for (const file of ['kuma-cp.crt', 'kuma-cp.key']) cpSync(join(first.folder, file), join(second.folder, file));
  await openBalancer(
    ownAddress,
    port,
    [first, second].map(({ host }) => ({ host: host.address, port })),
  );
  return { first, second, dataPlaneUrl: `https://${ownAddress}:${port}` };
}
