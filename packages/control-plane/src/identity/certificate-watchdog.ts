// Sees to it that what was issued is what is shown: asks each Envoy for the certificate it has a while after it got one, and again when it should have been
// replaced. What is wrong is told, and a certificate that did not arrive is made and sent anew. Nothing here is on the way of a certificate.
import { X509Certificate } from 'node:crypto';
import { type Graph, type Source, watchEach } from '@ursa/collections';
import type { IssuedIdentity } from '@ursa/engine';
import type { Component } from '../component.ts';
import type { Clock } from './clock.ts';
import type { EnvoyAdmin } from './envoy-admin.ts';

/** What can be wrong with a certificate that a proxy shows. */
export interface CertificateFinding {
  /** `Stale`: it is not the one that was issued. `EndsSoon`: less than a fifth of its life is left. `Ended`: none. */
  readonly reason: 'Stale' | 'EndsSoon' | 'Ended';
  /** For people: what is shown, what was issued, what to do. */
  readonly message: string;
}

export interface CertificateWatchdogInputs {
  readonly graph: Graph;
  readonly clock: Clock;
  /** By `<mesh>/<proxy>`; of a zone egress `<mesh>//<name>`. */
  readonly identities: Source<IssuedIdentity>;
  readonly envoyAdmin: Pick<EnvoyAdmin, 'ask'>;
  /** Has a certificate made anew. */
  readonly renew: (identityKey: string) => void;
  /** Told after every look: undefined when all is well. */
  readonly onLook: (identityKey: string, finding: CertificateFinding | undefined) => void;
}

/** The component. */
export interface CertificateWatchdog extends Component {
  /** What is wrong now, by key of the certificate. */
  findings(): ReadonlyMap<string, CertificateFinding>;
}

/** A certificate that is looked after. */
interface Looked {
  readonly identity: IssuedIdentity;
  readonly since: number;
  readonly life: number;
  dueAt: number;
}

/** A certificate as Envoy's `/certs` has it. */
interface ShownCertificate {
  readonly serial_number?: string;
  readonly expiration_time?: string;
  readonly subject_alt_names?: readonly { readonly uri?: string }[];
}

// When all is well a certificate is replaced at four fifths of its life, or before.
const renewedAt = 0.8;
const lowLife = 0.2;
// A renewal takes a moment, and more where the control plane has much to do.
const grace = 2_000;
// An Envoy that has just been sent a certificate is given this long, or a twentieth of the certificate's life.
const firstLook = 10_000;
const lookAgain = 60_000;
const soonest = 1_000;

/** Makes the component. One Envoy is asked at a time: there is no hurry, and others ask them too. */
export function certificateWatchdog(inputs: CertificateWatchdogInputs): CertificateWatchdog {
  const { graph, clock, identities, envoyAdmin, renew, onLook } = inputs;
  const looked = new Map<string, Looked>();
  const findings = new Map<string, CertificateFinding>();
  const identityOf = graph.derive('watched-certificate', (key: string) => identities.get(key));
  let watch: { stop(): void } | undefined;
  let timer: { readonly at: number; stop(): void } | undefined;
  let looking = false;

  const forget = (key: string): void => {
    looked.delete(key);
    // Its mesh may be gone while the proxy is still connected: nothing is wrong with a certificate that nobody should have.
    if (findings.delete(key)) onLook(key, undefined);
  };
  const follow = (key: string, identity: IssuedIdentity | undefined): void => {
    if (identity === undefined) {
      forget(key);
      return;
    }
    if (looked.get(key)?.identity.certificateChain === identity.certificateChain) return;
    const since = clock.now();
    const life = Date.parse(identity.notAfter) - since;
    const dueAt = since + within(firstLook, life);
    looked.set(key, { identity, since, life, dueAt });
    if (!looking && (timer === undefined || dueAt < timer.at)) lookAt(dueAt);
  };
  const lookAt = (time: number): void => {
    timer?.stop();
    timer = { at: time, ...clock.at(time, () => void lookAround()) };
  };
  const schedule = (): void => {
    if (watch === undefined) return;
    let next = Number.POSITIVE_INFINITY;
    for (const { dueAt } of looked.values()) next = Math.min(next, dueAt);
    if (Number.isFinite(next)) lookAt(next);
  };
  const lookAround = async (): Promise<void> => {
    timer = undefined;
    looking = true;
    for (const [key, entry] of [...looked]) {
      if (entry.dueAt <= clock.now() && looked.get(key) === entry && watch !== undefined) await look(key, entry);
    }
    looking = false;
    schedule();
  };
  const look = async (key: string, entry: Looked): Promise<void> => {
    const { since, life } = entry;
    const issued = new X509Certificate(entry.identity.certificateChain);
    const shown = await ask(envoyAdmin, key, trustDomainOf(issued));
    // Replaced while the question was under way: the next look is for the new one.
    if (looked.get(key) !== entry || watch === undefined) return;
    const finding = judge(entry, serialOf(issued.serialNumber), shown, clock.now());
    if (finding === undefined) {
      findings.delete(key);
      const replaced = since + Math.max(life * renewedAt + Math.min(grace, life / 20), life * (renewedAt + 0.02));
      entry.dueAt = Math.max(replaced, clock.now() + within(lookAgain, life));
    } else {
      findings.set(key, finding);
      entry.dueAt = clock.now() + within(lookAgain, life);
    }
    onLook(key, finding);
    if (finding?.reason === 'Stale') renew(key);
  };

  return {
    name: 'certificate-watchdog',
    async start() {
      watch = watchEach(graph, identities, identityOf, { onValue: follow, onGone: forget });
    },
    async stop() {
      watch?.stop();
      watch = undefined;
      timer?.stop();
      looked.clear();
      findings.clear();
    },
    findings: () => findings,
  };
}

function within(usual: number, life: number): number {
  return Math.max(soonest, Math.min(usual, life / 20));
}

/** The workload certificates that the proxy's Envoy shows; undefined when it cannot be asked. */
async function ask(
  envoyAdmin: Pick<EnvoyAdmin, 'ask'>,
  key: string,
  trustDomain: string,
): Promise<readonly ShownCertificate[] | undefined> {
  const [mesh = '', ...rest] = key.split('/');
  const isEgress = rest.length > 1;
  const name = rest.at(-1) ?? '';
  try {
    const target = isEgress
      ? ({ proxyType: 'egress', mesh: '', name } as const)
      : ({ proxyType: 'dataplane', mesh, name } as const);
    const { certificates = [] } = JSON.parse(await envoyAdmin.ask(target, '/certs')) as {
      readonly certificates?: readonly { readonly cert_chain?: readonly ShownCertificate[] }[];
    };
    // A proxy of a mesh has one identity, an egress one for each mesh that it serves.
    const prefix = isEgress ? `${trustDomain}/` : 'spiffe://';
    // The newest first: older ones are those of connections that go on.
    return certificates
      .flatMap(({ cert_chain: chain = [] }) => chain.slice(0, 1))
      .filter(({ subject_alt_names: names = [] }) => names.some(({ uri = '' }) => uri.startsWith(prefix)))
      .sort((one, another) => endOf(another) - endOf(one));
  } catch {
    // Gone, busy, or without an admin port: what was issued to it is all that is known.
    return undefined;
  }
}

/** `spiffe://` and the trust domain of its names: that of a mesh, or that of a MeshIdentity. */
function trustDomainOf({ subjectAltName }: X509Certificate): string {
  return /spiffe:\/\/[^/,"]+/.exec(subjectAltName ?? '')?.[0] ?? 'spiffe://';
}

function endOf({ expiration_time: end = '' }: ShownCertificate): number {
  return Date.parse(end);
}

function judge(
  { identity, life }: Looked,
  serial: string,
  shown: readonly ShownCertificate[] | undefined,
  now: number,
): CertificateFinding | undefined {
  // Envoy lists what it uses: one without inbounds or outbounds shows nothing, one that drains shows the old one beside the new one.
  const isShown = shown?.some((certificate) => serialOf(certificate.serial_number ?? '') === serial) ?? true;
  const other = isShown ? undefined : shown?.[0];
  const end = other === undefined ? Date.parse(identity.notAfter) : endOf(other);
  const lasts = `until ${new Date(end).toISOString()}`;
  if (end <= now) {
    return {
      reason: 'Ended',
      message: `its certificate was good ${lasts}; see why the mTLS backend ${identity.backend} issues none in the log`,
    };
  }
  if (other !== undefined) {
    const shows = `Envoy shows the certificate ${serialOf(other.serial_number ?? '')}, good ${lasts}`;
    return { reason: 'Stale', message: `${shows}, not ${serial}, which was issued; another one is being sent` };
  }
  if (end - now >= life * lowLife) return undefined;
  const message = `its certificate is good ${lasts} and should have been replaced; see why the mTLS backend ${identity.backend} issues none in the log`;
  return { reason: 'EndsSoon', message };
}

function serialOf(text: string): string {
  return text.toLowerCase().replace(/^0+/, '');
}
