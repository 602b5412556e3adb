// What the stories of this folder share: MeshIdentities, permissions by SPIFFE ID, and the names in the certificate that a proxy has now.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { connect } from 'node:tls';
import type { ControlPlane, ResourceDocument } from '../../examples/demo/control-plane.ts';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { type MeshService, policy, type World } from '../harness/world.ts';

/** SPIFFE ID of a service of the stories. */
export function spiffeId(service: string, trustDomain = 'default.default.mesh.local'): string {
  return `spiffe://${trustDomain}/app/${service}`;
}

/** A MeshIdentity with a CA of its own, for all proxies or some. */
export function meshIdentity(
  name: string,
  more: { readonly matchLabels?: object; readonly spiffeID?: object; readonly bundled?: object } = {},
): ResourceDocument {
  const bundled = { insecureAllowSelfSigned: true, autogenerate: { enabled: true }, ...more.bundled };
  return policy('MeshIdentity', name, {
    selector: { dataplane: { matchLabels: more.matchLabels ?? {} } },
    spiffeID: { path: '/app/{{ label "app" }}', ...more.spiffeID },
    provider: { type: 'Bundled', bundled },
  });
}

/** A permission for everything, by rules. */
export function rules(conf: object): ResourceDocument {
  return policy('MeshTrafficPermission', 'by-identity', { targetRef: { kind: 'Mesh' }, rules: [{ default: conf }] });
}

/** Clients by SPIFFE ID. */
export function clients(value: string, type: 'Exact' | 'Prefix' = 'Exact'): object {
  return { spiffeID: { type, value } };
}

interface Certificates {
  readonly certificates: readonly {
    readonly cert_chain: readonly {
      readonly serial_number: string;
      readonly subject_alt_names: readonly { readonly uri?: string }[];
    }[];
  }[];
}

/** The certificates that Envoy holds for itself: names and serial numbers. */
export async function certificatesOf(
  service: Pick<MeshService, 'admin'>,
): Promise<readonly { readonly serial: string; readonly uris: readonly string[] }[]> {
  const { certificates } = JSON.parse(await service.admin('/certs')) as Certificates;
  return certificates
    .flatMap(({ cert_chain }) => cert_chain)
    .map(({ serial_number, subject_alt_names }) => ({
      serial: serial_number,
      uris: subject_alt_names.flatMap(({ uri }) => uri ?? []),
    }))
    .filter(({ uris }) => uris.some((uri) => uri.startsWith('spiffe://')));
}

/** The names that a proxy proves itself with at a port; a client certificate is asked for after that. */
export function namesAt(port: number): Promise<readonly string[]> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ALPNProtocols: ['kuma'] });
    socket.setTimeout(5000, () => socket.destroy(new Error(`nothing at port ${port} within 5 s`)));
    socket.on('error', reject);
    socket.on('secureConnect', () => {
      const { raw } = socket.getPeerCertificate();
      socket.destroy();
      const names = new X509Certificate(raw).subjectAltName ?? '';
      resolve(names.split(', ').map((name) => name.replace(/^URI:/, '')));
    });
  });
}

/** Waits until a proxy proves itself with exactly these names. */
export async function presents(service: MeshService, ...names: readonly string[]): Promise<void> {
  const wanted = [...names].sort().join(' ');
  await waitFor(`${service.name} presents ${wanted}`, async () => {
    const found = [...(await namesAt(service.inboundPort))].sort().join(' ');
    if (found !== wanted) throw new Error(`it presents ${found}`);
    return true;
  });
}

/** Waits until a MeshIdentity is in use; gives its conditions. */
export async function isReady(controlPlane: ControlPlane, name: string): Promise<object> {
  return await waitFor(`MeshIdentity ${name} is ready`, async () => {
    const { json } = await controlPlane.request('GET', `/meshes/default/meshidentities/${name}`);
    const { status } = json as {
      readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
    };
    const conditions = status?.conditions ?? [];
    if (!conditions.some(({ type, status }) => type === 'Ready' && status === 'True'))
      throw new Error(JSON.stringify(conditions));
    return conditions;
  });
}

/** Changes something while requests go to `url`; fails when one was lost. */
export async function withoutLoss(world: World, url: string, change: () => Promise<void>): Promise<void> {
  // Without retries, and with new connections all the time: every handshake that is refused is a request that is lost.
  const load = world.load({ url, perSecond: 100, newConnections: true });
  await waitFor('traffic flows', () => load.report().sent > 100);
  await change();
  const before = load.report().sent;
  await waitFor('traffic goes on', () => load.report().sent > before + 200);
  const { sent, failures } = await load.stop();
  assert.deepEqual(failures, [], `${failures.length} of ${sent} requests failed`);
}
