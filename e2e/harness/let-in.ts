// Whether permissions let a client in, asked by requests and by connections.
import { waitFor } from '../../examples/demo/wait-for.ts';
import { askUntil } from './ask.ts';
import { nameAt } from './tcp-service.ts';
import type { MeshService } from './world.ts';

/** Waits until the client is let in, or refused, by both services: `backend` by HTTP and `db` by TCP. */
export async function isLetIn(client: MeshService, letIn: boolean): Promise<void> {
  await askUntil(
    `${client.name}: ${letIn}`,
    client.urlOf('backend'),
    {},
    ({ status }) => status === (letIn ? 200 : 403),
  );
  const wanted = letIn ? 'db' : 'closed';
  await waitFor(`${client.name}: ${wanted}`, async () => (await nameAt(client.portOf('db'))) === wanted);
}
