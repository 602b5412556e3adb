// How much memory bodies that are being read may take together. Small ones always find room: only who sends much competes for it.
import type { IncomingHttpHeaders } from 'node:http';

/** The room for bodies. */
export interface BodyRoom {
  /** Takes room for the body of a request with these headers; gives back how to leave it, or undefined when there is none. */
  take(headers: IncomingHttpHeaders): (() => void) | undefined;
}

const small = 16 * 1024;

/** Room for `total` bytes; a body whose length is not told counts as `longest`. */
export function openBodyRoom(total: number, longest: number): BodyRoom {
  let taken = 0;
  return {
    take(headers) {
      const told = headers['transfer-encoding'] === undefined ? Number(headers['content-length'] ?? 0) : longest;
      const size = Math.min(told, longest);
      if (!(size > small)) return () => undefined;
      if (taken + size > total) return undefined;
      taken += size;
      let left = false;
      return () => {
        if (!left) taken -= size;
        left = true;
      };
    },
  };
}
