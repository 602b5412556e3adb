// What one endpoint is: a path, what it may be asked, what it answers, and the function that does it. Served by `app.ts`, described by `openapi/`.
import type { TSchema } from 'typebox';
import type { User } from '../../identity/access.ts';

/** A request as handlers see it. */
export interface Call {
  readonly method: string;
  /** Path and query as sent, with the base path. */
  readonly url: string;
  /** Path parameters, decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly user: User;
  /** Scheme, host and port under which the caller reached us: `http://127.0.0.1:5681`. */
  readonly origin: string;
  header(name: string): string | undefined;
  /** The body; '' when there was none. */
  readonly body: RequestBody;
}

/** A body that has arrived in full, at most 1 MiB. */
export interface RequestBody {
  readonly text: string;
  readonly contentType: string;
}

/** What a handler gives back. A string or bytes are sent as they are. */
export interface Answer {
  readonly status: number;
  readonly body: string | Buffer;
  /** Default: `application/json`. */
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A query parameter, for the description. */
export interface QueryParameter {
  readonly name: string;
  readonly description: string;
  readonly schema: TSchema;
}

/** One endpoint. */
export interface Route {
  readonly method: 'GET' | 'PUT' | 'DELETE' | 'POST';
  /** With parameters in braces: `/meshes/{mesh}/dataplanes/{name}`. */
  readonly path: string;
  readonly summary: string;
  /** Heading under which the description lists it. */
  readonly tag: string;
  readonly query?: readonly QueryParameter[];
  /** Shape of the JSON body it takes. */
  readonly body?: TSchema;
  /** Shapes of what it answers, by status. Errors have one shape and need not be listed. */
  readonly answers: Readonly<Record<number, TSchema>>;
  /** Content type of its successes when it is not JSON. */
  readonly contentType?: string;
  /** Asks whether the caller may. `handle` does so itself; this is for whoever has somebody else handle it. Errors: `MeshError('forbidden')`. */
  readonly authorize?: (call: Call) => void;
  readonly handle: (call: Call) => Answer | Promise<Answer>;
}
