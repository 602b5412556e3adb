// Cuts the bytes of a gRPC stream into messages. A frame is one byte "compressed", four bytes length, then the message.
import { type GrpcOutcome, grpcStatus } from './status.ts';

/** Bytes before each message. */
export const frameHeaderLength = 5;

/** Takes the next bytes; returns why the call must end, or undefined while all is well. */
export type FrameReader = (chunk: Uint8Array) => GrpcOutcome | undefined;

/**
 * Makes a reader that hands over whole messages of at most `limit` bytes. The length is checked before anything of the message
 * is kept, and compressed messages are refused, so a client cannot make us hold more than `limit` bytes.
 */
export function createFrameReader(limit: number, onMessage: (message: Uint8Array) => void): FrameReader {
  let kept: Uint8Array[] = [];
  let keptLength = 0;
  let needed = frameHeaderLength;
  return (chunk) => {
    let rest = chunk;
    while (keptLength + rest.length >= needed) {
      const available = kept.length === 0 ? rest : Buffer.concat([...kept, rest]);
      kept = [];
      keptLength = 0;
      const header = new DataView(available.buffer, available.byteOffset, frameHeaderLength);
      if (header.getUint8(0) !== 0) {
        return {
          code: grpcStatus.unimplemented,
          message: 'compressed messages are not accepted; send with grpc-encoding: identity',
        };
      }
      const length = header.getUint32(1);
      if (length > limit) {
        return {
          code: grpcStatus.resourceExhausted,
          message: `a message of ${length} bytes is larger than the limit of ${limit} bytes`,
        };
      }
      needed = frameHeaderLength + length;
      if (available.length < needed) {
        rest = available;
        break;
      }
      const message = available.subarray(frameHeaderLength, needed);
      rest = available.subarray(needed);
      needed = frameHeaderLength;
      onMessage(message);
    }
    if (rest.length > 0) {
      kept.push(rest);
      keptLength += rest.length;
    }
    return undefined;
  };
}

/** The header of a message of the given length. */
export function frameHeader(length: number): Uint8Array {
  const header = new Uint8Array(frameHeaderLength);
  new DataView(header.buffer).setUint32(1, length);
  return header;
}
