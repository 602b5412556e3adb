// MeshTLS: whether inbounds insist on mTLS, and which versions and ciphers of TLS the mesh speaks.
import { limitTls } from '@ursa/envoy';
import { type ConfPlace, defineProxyPolicy, inboundMatches, type Report } from '@ursa/policy';
import { closed, oneOf } from '@ursa/resources';
import { type Static, Type } from 'typebox';

const versions = ['TLSAuto', 'TLS10', 'TLS11', 'TLS12', 'TLS13'] as const;

const ciphers = oneOf(
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-RSA-CHACHA20-POLY1305',
);

const version = Type.Optional(Type.Unsafe<(typeof versions)[number]>({ enum: [...versions], default: 'TLSAuto' }));

const conf = closed({
  tlsVersion: Type.Optional(closed({ min: version, max: version })),
  tlsCiphers: Type.Optional(Type.Array(ciphers)),
  mode: Type.Optional(oneOf('Permissive', 'Strict')),
});

type TlsConf = Static<typeof conf>;

const protocols = {
  TLSAuto: 'TLS_AUTO',
  TLS10: 'TLSv1_0',
  TLS11: 'TLSv1_1',
  TLS12: 'TLSv1_2',
  TLS13: 'TLSv1_3',
} as const;

/** The policy. */
export const meshTls = defineProxyPolicy({
  name: 'MeshTLS',
  shortName: 'mtls',
  guardsAccess: true,
  idle: {
    when: 'without-mtls',
    advice: 'enable a backend (mtls.enabledBackend of the Mesh), or create a MeshIdentity',
  },
  summary: 'Sets whether mTLS is required, and versions and ciphers of TLS.',
  targetRef: ['Mesh', 'Dataplane', 'MeshSubset'],
  from: ['Mesh'],
  rules: inboundMatches,
  listsRequired: false,
  conf,
  checkConf: checkTls,
  apply: {
    mode: ({ mode }) => mode,
    inbound({ authenticatedChains }, said) {
      for (const { message } of authenticatedChains) limit(message.transportSocket, said);
    },
    caller({ cluster }, said) {
      limit(cluster.message.transportSocket, { ...said, ...withinReach(said) });
    },
  },
});

// Left to itself, a client of Envoy's goes up to TLS 1.2 only: with a minimum of 1.3 it could speak no version at all.
function withinReach({ tlsVersion }: TlsConf): TlsConf {
  if (tlsVersion?.min !== 'TLS13') return {};
  return { tlsVersion: { ...tlsVersion, max: 'TLS13' } };
}

function limit(socket: Parameters<typeof limitTls>[0], { tlsVersion, tlsCiphers = [] }: TlsConf): void {
  if (tlsVersion === undefined && tlsCiphers.length === 0) return;
  const { min = 'TLSAuto', max = 'TLSAuto' } = tlsVersion ?? {};
  limitTls(socket, { minimum: protocols[min], maximum: protocols[max], ciphers: tlsCiphers });
}

function checkTls({ tlsVersion, tlsCiphers = [] }: TlsConf, report: Report, { topLevel }: ConfPlace): void {
  const everywhere = topLevel.kind === 'Mesh';
  const reason = 'can only be defined with top level targetRef kind: Mesh';
  if (tlsCiphers.length > 0 && !everywhere) report.add('tlsCiphers', `tlsCiphers ${reason}`);
  if (tlsVersion === undefined) return;
  if (!everywhere) {
    report.add('tlsVersion', `tlsVersion ${reason}`);
    return;
  }
  const { min = 'TLSAuto', max = 'TLSAuto' } = tlsVersion;
  if (max !== 'TLSAuto' && versions.indexOf(min) > versions.indexOf(max)) {
    report.add('tlsVersion.min', 'min version must be lower than max');
  }
}
