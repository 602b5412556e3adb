// The door for certificate authorities: a type of mTLS backend is one definition. What it is made from is derived, so that a change of a Mesh, a Secret
// or a file reaches it by itself; only an open authority does work, and only there a network is spoken to.

import type { AlternativeNames } from '@ursa/certificates';
import type { Violation } from '@ursa/resources';

/** Settings of a backend, as its Mesh has them. */
export type AuthorityConf = Readonly<Record<string, unknown>>;

/** Contents of the data sources that a definition has asked for, by their field; what cannot be read is not there. */
export type SourceContents = Readonly<Record<string, string | undefined>>;

/** Which backend. */
export interface AuthorityPlace {
  readonly mesh: string;
  readonly backend: string;
}

/** What is known of an authority before it is opened. */
export interface PreparedAuthority<Material> {
  /** All that it is opened with. Plain data: an equal one keeps it open, another one opens it anew. */
  readonly material: Material;
  /** What its certificates depend on. Plain data: when it becomes another, all of them are issued anew. */
  readonly issuer: unknown;
  /** What verifies its certificates, PEM; absent where only the open authority can tell. */
  readonly roots?: string;
}

/** A certificate that a workload should have. */
export interface LeafRequest {
  readonly names: AlternativeNames;
  readonly usages: readonly ('serverAuth' | 'clientAuth')[];
  /** Milliseconds. */
  readonly lifetime: number;
  /** Milliseconds since 1970. */
  readonly issuedAt: number;
}

/** A certificate with its key, PEM. */
export interface SignedLeaf {
  /** The certificate, then those between it and a root. */
  readonly certificate: string;
  readonly privateKey: string;
  /** Milliseconds since 1970. */
  readonly notAfter: number;
}

/** An authority at work. */
export interface OpenAuthority {
  /** Makes a key and has its certificate signed. Errors: `MeshError`, which says for people what is in the way. */
  issue(request: LeafRequest, signal: AbortSignal): Promise<SignedLeaf>;
  /** What verifies its certificates now, PEM; only where preparing it could not tell. */
  roots?(signal: AbortSignal): Promise<string>;
  stop?(): void;
}

/** What an open authority may use. */
export interface AuthorityContext {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Runs once at a time, milliseconds since 1970. */
  readonly at: (time: number, run: () => void) => { stop(): void };
  /** Says that something it was opened with is no longer good: files are read again, and if they are others, it is opened anew. */
  readonly stale: () => void;
  /** Gets what people should know. */
  readonly onFailure: (error: unknown) => void;
}

/** A type of certificate authority. */
export interface CertificateAuthority<Material> {
  /** `type` of its backends. */
  readonly type: string;
  /** The data sources among its settings as they are written, by their field under `conf`; or, where it keeps Secrets of its own, those. */
  sources(conf: AuthorityConf, place: AuthorityPlace): Readonly<Record<string, unknown>>;
  /** What is wrong with its settings, fields under `conf`. Absent for one that makes itself after the write: then its sources are not asked for either. */
  validate?(conf: AuthorityConf, contents: SourceContents): readonly Violation[];
  /** Everything for opening it; every source that `sources` has named can be read. A fault says what is in the way. */
  prepare(conf: AuthorityConf, contents: SourceContents): PreparedAuthority<Material> | { readonly fault: string };
  /** Opens it, without waiting for anything. */
  open(material: Material, context: AuthorityContext): OpenAuthority;
}

/** A definition whose material nobody else looks into. */
export type AnyCertificateAuthority = CertificateAuthority<unknown>;

/** Defines a type of certificate authority. */
export function defineCertificateAuthority<Material>(
  definition: CertificateAuthority<Material>,
): AnyCertificateAuthority {
  // What `prepare` gives goes to `open` of the same definition and to nobody else.
  return definition as AnyCertificateAuthority;
}
