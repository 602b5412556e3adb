// What the running process is made of and does: a CPU profile and a heap snapshot through the inspector, for Chrome's developer tools, and how much
// memory lives once the garbage is gone.
import { Session } from 'node:inspector';
import { MeshError } from '@ursa/resources';

/** Longest CPU profile, in seconds: memory grows with its length. */
const longestProfile = 120;

/** A CPU profile of the next seconds, as JSON (`.cpuprofile`). Errors: `unsupported` when this runtime has no profiler. */
export async function recordCpuProfile(seconds: number): Promise<string> {
  if (!(seconds > 0 && seconds <= longestProfile)) {
    throw new MeshError('invalid', `seconds: expected more than 0 and at most ${longestProfile}, found ${seconds}`);
  }
  return await withSession(async (post) => {
    await post('Profiler.enable');
    await post('Profiler.start');
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    const result = await post('Profiler.stop');
    return JSON.stringify(Reflect.get(result, 'profile'));
  });
}

/** A snapshot of the heap, as JSON (`.heapsnapshot`). It holds everything in memory, keys included. The process stands still meanwhile. */
export async function takeHeapSnapshot(): Promise<string> {
  return await withSession(async (post, session) => {
    const chunks: string[] = [];
    session.on('HeapProfiler.addHeapSnapshotChunk', ({ params }) => chunks.push(params.chunk));
    await post('HeapProfiler.takeHeapSnapshot');
    return chunks.join('');
  });
}

/** Memory in bytes after a complete collection: what is left of the heap is alive, where before it may be garbage. */
export interface LiveMemory {
  readonly heapUsed: number;
  readonly resident: number;
}

/** Collects all garbage and tells what is left. The process stands still meanwhile. */
export async function measureLiveMemory(): Promise<LiveMemory> {
  // The executables' runtime has no inspector inside, but a collection of its own.
  const bun: unknown = Reflect.get(globalThis, 'Bun');
  if (hasCollector(bun)) bun.gc(true);
  else {
    await withSession(async (post) => {
      await post('HeapProfiler.collectGarbage');
      return '';
    });
  }
  const { heapUsed, rss } = process.memoryUsage();
  return { heapUsed, resident: rss };
}

function hasCollector(runtime: unknown): runtime is { readonly gc: (complete: boolean) => void } {
  return typeof runtime === 'object' && runtime !== null && 'gc' in runtime && typeof runtime.gc === 'function';
}

type Post = (method: string) => Promise<object>;

async function withSession(work: (post: Post, session: Session) => Promise<string>): Promise<string> {
  let session: Session;
  try {
    session = new Session();
    session.connect();
  } catch (cause) {
    throw unsupported(cause);
  }
  const post: Post = (method) =>
    new Promise((resolve, reject) => {
      session.post(method, (error, result) => (error === null ? resolve(result ?? {}) : reject(unsupported(error))));
    });
  try {
    return await work(post, session);
  } finally {
    session.disconnect();
  }
}

function unsupported(cause: unknown): MeshError {
  const message =
    'this runtime cannot be profiled from inside: run the control plane with Node.js instead of its single executable';
  return new MeshError('unsupported', message, { cause });
}
