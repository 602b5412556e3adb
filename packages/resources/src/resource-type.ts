// One definition of a resource type: every other form (REST path, kumactl names, OpenAPI, validation, docs) is made from it.
import type { TSchema } from 'typebox';
import type { Violation } from './error.ts';
import type { Labels, Resource } from './resource.ts';

/** How the peers list a policy in `/_resources`; see reference s2. */
export interface PolicyTraits {
  readonly isTargetRef: boolean;
  readonly hasToTargetRef: boolean;
  readonly hasFromTargetRef: boolean;
  readonly hasRulesTargetRef: boolean;
  readonly isFromAsRules: boolean;
}

/** What a validator may look at beside the spec. */
export interface ValidationContext {
  readonly mesh: string;
  readonly name: string;
  readonly labels: Labels;
}

/** A resource type, as registered. */
export interface ResourceType {
  /** `MeshTimeout` */
  readonly name: string;
  /** REST path and plural, `meshtimeouts`. */
  readonly path: string;
  readonly scope: 'Mesh' | 'Global';
  /** `mt`; '' when there is none. */
  readonly shortName: string;
  readonly singularDisplayName: string;
  readonly pluralDisplayName: string;
  /** Written by the control plane only: PUT and DELETE answer 405. */
  readonly readOnly: boolean;
  readonly includeInFederation: boolean;
  /** Older types carry their spec's fields at the top level of the document; newer ones under `spec`. */
  readonly specForm: 'inline' | 'nested';
  readonly policy?: PolicyTraits;
  /** What kind of routes a policy makes, for policies that say where traffic goes. */
  readonly routes?: 'http' | 'tcp';
  /** Shape of the spec. Unknown fields are refused with a suggestion. */
  readonly spec: TSchema;
  readonly status?: TSchema;
  /** Fields a status has before anything was observed, as the peers show them. */
  readonly emptyStatus?: Readonly<Record<string, unknown>>;
  /** Defaults filled in on write, before validation. */
  readonly normalize?: (spec: unknown, context: ValidationContext) => unknown;
  /** Rules a schema cannot say. Runs only when the schema holds. Paths start at the document (`spec.to[0]…`, or `mtls…` for inline types). */
  readonly validate?: (spec: never, context: ValidationContext) => readonly Violation[];
  /** Things the writer should know though the write is accepted (deprecated fields and kinds). */
  readonly warn?: (spec: never, context: ValidationContext) => readonly string[];
  /** For policies of an older kind, and for what comes later: that proxies do not follow it, and what to write instead. */
  readonly idle?: IdlePolicy;
  /** Where a zone control plane may create it, for the `kuma.io/origin` and `kuma.io/zone` labels; see reference s2, KDS direction. */
  readonly providedByZone: boolean;
  readonly providedByGlobal: boolean;
}

/** What can be written and has no effect. */
export interface IdlePolicy {
  /**
   * `without-mtls`: only where no proxy of the mesh has an identity. `exclusive`: only where all services are resources (`meshServices.mode`).
   * `not-yet`: comes later.
   */
  readonly when: 'always' | 'without-mtls' | 'exclusive' | 'not-yet';
  /** What to do instead, as a request. */
  readonly advice: string;
}

/** What a type is called and where it lives: all that reading and deleting resources of it needs. */
export type TypeHandle = Pick<ResourceType, 'name' | 'path' | 'scope' | 'shortName'>;

/** The registered types, found by any of their names. */
export interface ResourceTypes<Entry extends TypeHandle = ResourceType> {
  readonly all: readonly Entry[];
  byName(name: string): Entry | undefined;
  byPath(path: string): Entry | undefined;
  /** By singular, plural, short or type name, as typed at a command line; case does not matter. */
  byAnyName(name: string): Entry | undefined;
}

/** A resource of a known type, for code that needs both. */
export interface TypedResource {
  readonly type: ResourceType;
  readonly resource: Resource;
}
