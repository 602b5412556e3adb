// The instances of one control plane: several processes over one store, each with its own connections to proxies.

/** One instance, as it says of itself. */
export interface Instance {
  readonly id: string;
  readonly hostname: string;
  /** Where the other instances reach it. */
  readonly address: string;
  /** Port of calls between instances; 0: it takes none. */
  readonly port: number;
  readonly version: string;
  /** RFC 3339. */
  readonly startTime: string;
  /** Proxies connected to it. */
  readonly proxies: number;
}

/** An instance in the eyes of others. */
export interface KnownInstance extends Instance {
  readonly leader: boolean;
  /** Milliseconds since it last said that it lives. */
  readonly silence: number;
}

/** Who is there. */
export interface Instances {
  /** Id of the instance that asks. */
  readonly self: string;
  /** All that are known, this one among them, by id; those that have gone for a while too. */
  list(): readonly KnownInstance[];
  /** Whether one of the list lives, as far as is known. */
  isLiving(instance: KnownInstance): boolean;
  /** Ids of those that live now, by the store. Errors: `MeshError('unavailable')`. */
  living(): Promise<ReadonlySet<string>>;
  /** Calls back when an instance has gone, in order or not. */
  onGone(listener: () => void): { stop(): void };
}

/** The only instance there is: its store cannot be shared. */
export function soleInstance(id: string, describe: () => Instance): Instances {
  const living = new Set([id]);
  return {
    self: id,
    list: () => [{ ...describe(), leader: true, silence: 0 }],
    isLiving: () => true,
    living: async () => living,
    onGone: () => ({ stop: () => undefined }),
  };
}
