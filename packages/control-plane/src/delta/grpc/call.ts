// One gRPC call with messages both ways, on one HTTP/2 stream.
import { constants, type ServerHttp2Stream } from 'node:http2';
import { createFrameReader, frameHeader } from './frames.ts';
import { type GrpcOutcome, grpcStatus, statusTrailers } from './status.ts';

/** The server's side of a call. */
export interface GrpcCall {
  /** `authorization` and the like; names in lower case. */
  header(name: string): string | undefined;
  /**
   * Sends one message made of the given parts, in order. The last one must not change: it is not copied when the message is large.
   * False: the client does not keep up; write nothing until `onDrain`.
   */
  write(parts: readonly Uint8Array[]): boolean;
  /** Tells that the client has proven who it is: its connection is not in doubt any more while this call lasts. */
  proven(): void;
  /** Asks whether the client is there; its connection is cut when it does not answer within that many milliseconds. */
  ping(milliseconds: number): void;
  /** Stops and resumes reading; what the client sends meanwhile is held back by HTTP/2's flow control. */
  pause(): void;
  resume(): void;
  /** Ends the call. Later writes are dropped. */
  end(outcome: GrpcOutcome): void;
  /** Ends the call and takes no more of them on its connection (GOAWAY): the next one comes over a new connection, which may lead elsewhere. */
  sendAway(outcome: GrpcOutcome): void;
  /** Ends the call because of a bug of ours: it is reported, the client learns only that there was one. */
  fail(error: unknown): void;
}

/** What a service does with a call. None of these may throw; one that does ends its own call only. */
export interface GrpcHandler {
  onMessage(message: Uint8Array): void;
  onDrain(): void;
  /** Called exactly once, whoever ended the call. */
  onClose(): void;
}

/** Takes a new call; returns what reacts to it. */
export type GrpcMethod = (call: GrpcCall) => GrpcHandler;

// Parts of small messages are copied into one buffer: cheaper than two writes. Of large ones the last part is written as it is, so that clients that
// do not read hold references to shared bytes instead of copies.
const copyLimit = 64 * 1024;

// A client that does not read its trailers is cut off after this time.
const farewellMilliseconds = 1000;

/** Serves one call on an HTTP/2 stream. Messages larger than `messageLimit` bytes end it; `onBug` gets what a handler throws. */
export function serveCall(
  stream: ServerHttp2Stream,
  headers: Readonly<Record<string, string | string[] | undefined>>,
  method: GrpcMethod,
  messageLimit: number,
  onBug: (error: unknown) => void,
  onProven: () => void,
): GrpcCall {
  let ended = false;
  let outcome: GrpcOutcome = { code: grpcStatus.ok, message: '' };
  let farewell: NodeJS.Timeout | undefined;

  const call: GrpcCall = {
    header(name) {
      const value = headers[name];
      return Array.isArray(value) ? value[0] : value;
    },
    write(parts) {
      if (ended || stream.destroyed) return false;
      let length = 0;
      for (const part of parts) length += part.length;
      const last = parts.at(-1);
      if (last === undefined || length <= copyLimit) return stream.write(joined(parts, length));
      stream.write(joined(parts.slice(0, -1), length));
      return stream.write(last);
    },
    proven: onProven,
    ping(milliseconds) {
      const { session } = stream;
      if (session === undefined || session.destroyed) return;
      const asked = performance.now();
      const cut = setTimeout(() => {
        // When it is us who were held up, its answer may lie there unread.
        if (performance.now() - asked < 1.5 * milliseconds) session.destroy();
      }, milliseconds).unref();
      session.ping(() => clearTimeout(cut));
    },
    pause: () => stream.pause(),
    resume: () => stream.resume(),
    end(how) {
      if (ended || stream.destroyed) return;
      ended = true;
      outcome = how;
      stream.end();
      farewell = setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), farewellMilliseconds);
      farewell.unref();
    },
    sendAway(how) {
      call.end(how);
      stream.session?.close();
    },
    fail(error) {
      onBug(error);
      call.end({ code: grpcStatus.internal, message: 'the control plane failed at this request; its log says why' });
    },
  };

  stream.on('wantTrailers', () => {
    if (stream.destroyed) return;
    stream.sendTrailers(statusTrailers(outcome));
    // The client may still be sending; without a reset the stream would stay half open.
    setImmediate(() => stream.close(constants.NGHTTP2_NO_ERROR));
  });
  // What waits is written one by one: Bun would copy all of it into one buffer first, for each client.
  Object.assign(stream, { _writev: null });
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  const handler = method(call);
  const guarded = (run: () => void): void => {
    try {
      run();
    } catch (error) {
      call.fail(error);
    }
  };
  const read = createFrameReader(messageLimit, (message) => {
    if (!ended) guarded(() => handler.onMessage(message));
  });
  stream.on('data', (chunk: Uint8Array) => {
    if (ended) return;
    const refused = read(chunk);
    if (refused !== undefined) call.end(refused);
  });
  stream.on('drain', () => {
    if (!ended) guarded(() => handler.onDrain());
  });
  stream.on('end', () => call.end({ code: grpcStatus.ok, message: '' }));
  stream.on('error', () => stream.destroy());
  stream.once('close', () => {
    clearTimeout(farewell);
    ended = true;
    guarded(() => handler.onClose());
  });
  return call;
}

/** The header of a message of the given length, and parts of it. */
function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  return Buffer.concat([frameHeader(length), ...parts]);
}
