// A store whose writes are in the trace of the request that causes them. Writes that no request causes are not traced.
import type { Store } from '../store/store.ts';
import type { TraceContext } from './trace-context.ts';
import type { Tracer } from './tracer.ts';

/** The store; `onWritten` is told of each traced write that is stored: its revision, and the place of its request. */
export function traceStore(
  store: Store,
  tracer: Tracer,
  onWritten: (revision: number, request: TraceContext) => void,
): Store {
  return {
    ...store,
    async write(writes) {
      const parent = tracer.current();
      if (parent === undefined) return await store.write(writes);
      const start = tracer.now();
      const before = store.revision();
      let error: string | undefined;
      let revision = 0;
      try {
        // The store tells everybody of the change, who may set timers and writes of their own going.
        const result = await tracer.outside(() => store.write(writes));
        ({ revision } = result);
        return result;
      } catch (cause) {
        error = cause instanceof Error ? cause.name : 'failed';
        throw cause;
      } finally {
        const attributes = error === undefined ? [['mesh.store.revision', revision] as const] : [];
        tracer.record({ parent, name: 'store.write', start, end: tracer.now(), attributes, error });
        // What changed nothing has nothing to be followed.
        if (revision > before) onWritten(revision, parent);
      }
    },
  };
}
