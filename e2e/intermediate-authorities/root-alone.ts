// What a client that has nothing but a root makes of a proxy, and what the proxy itself trusts.
import { connect } from 'node:tls';
import { waitFor } from '../../examples/demo/wait-for.ts';
import type { MeshService } from '../harness/world.ts';

/** Waits until a proxy shows a chain that the root verifies with nothing but what was shown. */
export async function isVerifiedByRootAlone(service: MeshService, root: string): Promise<void> {
  await waitFor(
    `${service.name} is verified by the root alone`,
    async () => {
      const found = await verdictAt(service.inboundPort, root);
      if (found !== 'verified') throw new Error(found);
      return true;
    },
    { within: 30_000 },
  );
}

/** Certificates that a proxy trusts for workloads of its mesh, PEM, each once. */
export async function trustedBy(service: MeshService): Promise<readonly string[]> {
  const dump = JSON.parse(await service.admin('/config_dump?resource=dynamic_active_secrets')) as {
    readonly configs: readonly { readonly name: string; readonly secret: { readonly validation_context?: object } }[];
  };
  const ofMesh = dump.configs.filter(({ name }) => name.startsWith('mesh_ca'));
  const encoded = JSON.stringify(ofMesh.map(({ secret }) => secret.validation_context ?? {}));
  const texts = [...encoded.matchAll(/"inline_bytes":"([^"]+)"/g)].map(([, base64 = '']) =>
    Buffer.from(base64, 'base64').toString(),
  );
  return [
    ...new Set(
      texts.flatMap((text) => text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----\n/g) ?? []),
    ),
  ];
}

function verdictAt(port: number, root: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: '127.0.0.1',
      port,
      ca: root,
      rejectUnauthorized: false,
      ALPNProtocols: ['kuma'],
      // Workloads have no host names.
      checkServerIdentity: () => undefined,
    });
    socket.setTimeout(5000, () => socket.destroy(new Error(`nothing at port ${port} within 5 s`)));
    socket.on('error', reject);
    socket.on('secureConnect', () => {
      resolve(socket.authorized ? 'verified' : String(socket.authorizationError));
      socket.destroy();
    });
  });
}
