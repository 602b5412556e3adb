// SHA-256 (FIPS 180-4), synchronous and without a platform: route names are made inside derivations, where nothing can be awaited.

const roundConstants = primes(64).map((prime) => fraction(Math.cbrt(prime)));
const initialHash = primes(8).map((prime) => fraction(Math.sqrt(prime)));

function primes(count: number): number[] {
  const found: number[] = [];
  for (let candidate = 2; found.length < count; candidate++) {
    if (found.every((prime) => candidate % prime !== 0)) found.push(candidate);
  }
  return found;
}

/** The first 32 bits of the fractional part. */
function fraction(value: number): number {
  return Math.floor((value - Math.floor(value)) * 0x1_0000_0000) | 0;
}

/** Digest of a text's UTF-8 bytes, 32 bytes. */
export function sha256(text: string): Uint8Array {
  const blocks = pad(new TextEncoder().encode(text));
  const hash = Int32Array.from(initialHash);
  const schedule = new Int32Array(64);
  for (let offset = 0; offset < blocks.byteLength; offset += 64) {
    for (let index = 0; index < 16; index++) schedule[index] = blocks.getInt32(offset + index * 4);
    for (let index = 16; index < 64; index++) {
      const early = word(schedule, index - 15);
      const late = word(schedule, index - 2);
      const mixedEarly = rotate(early, 7) ^ rotate(early, 18) ^ (early >>> 3);
      const mixedLate = rotate(late, 17) ^ rotate(late, 19) ^ (late >>> 10);
      schedule[index] = word(schedule, index - 16) + mixedEarly + word(schedule, index - 7) + mixedLate;
    }
    compress(hash, schedule);
  }
  const digest = new DataView(new ArrayBuffer(32));
  for (const [index, value] of hash.entries()) digest.setInt32(index * 4, value);
  return new Uint8Array(digest.buffer);
}

function pad(bytes: Uint8Array): DataView {
  const length = Math.ceil((bytes.length + 9) / 64) * 64;
  const padded = new Uint8Array(length);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setBigUint64(length - 8, BigInt(bytes.length) * 8n);
  return view;
}

function compress(hash: Int32Array, schedule: Int32Array): void {
  const state = Array.from(hash);
  for (let round = 0; round < 64; round++) {
    const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state;
    const choice = (e & f) ^ (~e & g);
    const majority = (a & b) ^ (a & c) ^ (b & c);
    const sumOfE = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const sumOfA = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
    const first = (h + sumOfE + choice + (roundConstants[round] ?? 0) + word(schedule, round)) | 0;
    state.splice(0, 8, (first + sumOfA + majority) | 0, a, b, c, (d + first) | 0, e, f, g);
  }
  for (const [index, value] of state.entries()) hash[index] = word(hash, index) + value;
}

function rotate(value: number, by: number): number {
  return (value >>> by) | (value << (32 - by));
}

function word(words: Int32Array, index: number): number {
  return words[index] ?? 0;
}
