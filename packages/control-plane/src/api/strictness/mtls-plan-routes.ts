// GET /meshes/{mesh}/_mtls-plan: who is ready for strict mTLS, who would be cut off, and the next step.
import { isIdentityReady, type MeshSpec } from '@ursa/resources';
import { Type } from 'typebox';
import type { AccessControl } from '../../identity/access-control.ts';
import { formatJson } from '../http/json-text.ts';
import type { Route } from '../http/route.ts';
import type { ResourceReader } from '../resources/reader.ts';
import { formatSpan, wouldBreak } from './proxy-report.ts';
import type { Strictness, StrictnessReport } from './strictness.ts';

const planSchema = Type.Object(
  {
    mesh: Type.String(),
    mode: Type.Enum(['off', 'PERMISSIVE', 'STRICT']),
    backend: Type.Optional(Type.String()),
    identities: Type.Array(Type.String()),
    counts: Type.Record(Type.String(), Type.Integer()),
    proxies: Type.Array(Type.Object({ name: Type.String(), state: Type.String(), reason: Type.String() })),
    notConnected: Type.Array(Type.String()),
    notes: Type.Array(Type.String()),
    next: Type.String(),
  },
  { title: 'MtlsPlan' },
);

/** The endpoint. */
export function mtlsPlanRoutes(
  reader: ResourceReader,
  access: Pick<AccessControl, 'requireView'>,
  strictness: Strictness,
): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/meshes/{mesh}/_mtls-plan',
      tag: 'Inspection',
      summary: 'Which proxies are ready for strict mTLS, which clients would be cut off, and the next step',
      answers: { 200: planSchema },
      async handle({ params: { mesh = '' }, user }) {
        reader.requireMesh(mesh);
        access.requireView(user, {
          access: 'VIEW_STATS',
          type: { name: 'Dataplane', scope: 'Mesh' },
          mesh,
          name: undefined,
        });
        const report = await strictness.ofMesh(mesh);
        const { mtls }: MeshSpec = reader.find('Mesh', '', mesh)?.spec ?? {};
        const backend = mtls?.backends?.find(({ name }) => name === mtls.enabledBackend);
        const identities = reader.list('MeshIdentity', mesh).filter(isIdentityReady);
        const mode = modeOf(backend, identities.length > 0);
        const seen = new Set(report.proxies.map(({ name }) => name));
        const notConnected = reader.list('Dataplane', mesh).flatMap(({ name }) => (seen.has(name) ? [] : [name]));
        const counts: Record<string, number> = {};
        for (const { state } of report.proxies) counts[state] = (counts[state] ?? 0) + 1;
        const plan = {
          mesh,
          mode,
          ...(backend === undefined ? {} : { backend: backend.name }),
          identities: identities.map(({ name }) => name).sort(),
          counts,
          proxies: report.proxies.map(({ name, state, reason }) => ({ name, state, reason })),
          notConnected,
          notes: notesOf(report, notConnected.length),
          next: nextStep(mode, report, strictness.quietPeriod),
        };
        return { status: 200, body: formatJson(plan) };
      },
    },
  ];
}

/** With MeshIdentities alone inbounds insist on mTLS, unless a MeshTLS says otherwise. */
function modeOf(backend: { readonly mode?: string } | undefined, hasIdentities: boolean) {
  if (backend === undefined) return hasIdentities ? 'STRICT' : 'off';
  return backend.mode === 'PERMISSIVE' ? 'PERMISSIVE' : 'STRICT';
}

function notesOf({ silent }: StrictnessReport, notConnected: number): readonly string[] {
  return [
    'Clients outside of the mesh are seen only once they have called: what calls once a month may not be among these.',
    ...(notConnected === 0
      ? []
      : ['Proxies that are not connected are not judged: what calls them in plain text is not known.']),
    ...silent.map(
      ({ instance, proxies, reason }) => `${proxies} proxies of the instance ${instance} are missing: ${reason}`,
    ),
  ];
}

/** In words; pure. */
export function nextStep(
  mode: 'off' | 'PERMISSIVE' | 'STRICT',
  { proxies, silent }: StrictnessReport,
  quietPeriod: number,
): string {
  if (mode === 'off')
    return 'Enable a backend of mTLS with mode PERMISSIVE, or write a MeshTLS with mode Permissive and then a MeshIdentity: proxies get certificates, and nobody is cut off.';
  const count = (state: string): number => proxies.filter((proxy) => proxy.state === state).length;
  if (count('no certificate') > 0)
    return 'Wait until all proxies have a certificate; when some never get one, the log of the control plane says why.';
  if (count('plaintext') > 0)
    return 'Bring the plaintext clients into the mesh or stop them: a MeshAccessLog on these proxies shows their addresses. Then look again.';
  if (proxies.some(wouldBreak))
    return `Look again in ${formatSpan(quietPeriod)}: no plain text must come in the meantime.`;
  if (count('unknown') > 0 || silent.length > 0)
    return 'Make the admin listeners of the unknown proxies reachable from the control plane, or go on without knowing: the write warns of them.';
  if (count('no mTLS') > 0)
    return 'Have a MeshIdentity select the proxies without mTLS, as their warnings say: those with an identity speak mTLS only with them.';
  if (count('ready') === 0) return 'Nothing to do: every inbound insists on mTLS.';
  return mode === 'PERMISSIVE'
    ? 'Set the mode of the backend to STRICT: nobody would be cut off.'
    : 'Set the mode of the MeshTLS policies to Strict, or delete them: nobody would be cut off.';
}
