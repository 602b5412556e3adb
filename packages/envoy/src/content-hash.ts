// Hashes of content: a fast one for versions and a cryptographic one where others must arrive at the same value.

const lane = (value: number): string => (value >>> 0).toString(16).padStart(8, '0');

/** Mixes all bits of a word into all others (the finalizer of MurmurHash3). */
function avalanche(word: number): number {
  const first = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  const second = Math.imul(first ^ (first >>> 13), 0xc2b2ae35);
  return second ^ (second >>> 16);
}

/**
 * A fast hash over 32-bit words in four lanes, as 32 hex digits. Not cryptographic: whoever relies on it compares the bytes too.
 */
export function contentHash(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const whole = bytes.length & ~3;
  let first = 0x9e3779b9 ^ bytes.length;
  let second = 0x85ebca6b ^ bytes.length;
  let third = 0xc2b2ae35;
  let fourth = 0x27d4eb2f;
  const mix = (word: number): void => {
    first = Math.imul(first ^ word, 0x5bd1e995);
    first ^= first >>> 15;
    second = Math.imul(second ^ word, 0x1b873593) + first;
    second ^= second >>> 13;
    third = Math.imul(third ^ word ^ second, 0xcc9e2d51);
    third ^= third >>> 16;
    fourth = Math.imul(fourth ^ word, 0x165667b1) ^ third;
    fourth ^= fourth >>> 14;
  };
  for (let offset = 0; offset < whole; offset += 4) mix(view.getUint32(offset, true));
  for (let offset = whole; offset < bytes.length; offset++) mix(view.getUint8(offset));
  return [first ^ third, second ^ fourth, third ^ second, fourth ^ first].map((word) => lane(avalanche(word))).join('');
}

const roundConstants = Uint32Array.from(
  (
    '428a2f98 71374491 b5c0fbcf e9b5dba5 3956c25b 59f111f1 923f82a4 ab1c5ed5 d807aa98 12835b01 243185be 550c7dc3 72be5d74 80deb1fe ' +
    '9bdc06a7 c19bf174 e49b69c1 efbe4786 0fc19dc6 240ca1cc 2de92c6f 4a7484aa 5cb0a9dc 76f988da 983e5152 a831c66d b00327c8 bf597fc7 ' +
    'c6e00bf3 d5a79147 06ca6351 14292967 27b70a85 2e1b2138 4d2c6dfc 53380d13 650a7354 766a0abb 81c2c92e 92722c85 a2bfe8a1 a81a664b ' +
    'c24b8b70 c76c51a3 d192e819 d6990624 f40e3585 106aa070 19a4c116 1e376c08 2748774c 34b0bcb5 391c0cb3 4ed8aa4a 5b9cca4f 682e6ff3 ' +
    '748f82ee 78a5636f 84c87814 8cc70208 90befffa a4506ceb bef9a3f7 c67178f2'
  )
    .split(' ')
    .map((word) => Number.parseInt(word, 16)),
);
const initialState = [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19];

const rotate = (word: number, bits: number): number => (word >>> bits) | (word << (32 - bits));
const at = (words: Uint32Array, position: number): number => words[position] ?? 0;

function compress(state: Uint32Array, schedule: Uint32Array): void {
  for (let round = 16; round < 64; round++) {
    const early = at(schedule, round - 15);
    const late = at(schedule, round - 2);
    const small = rotate(early, 7) ^ rotate(early, 18) ^ (early >>> 3);
    const large = rotate(late, 17) ^ rotate(late, 19) ^ (late >>> 10);
    schedule[round] = at(schedule, round - 16) + small + at(schedule, round - 7) + large;
  }
  const work = Uint32Array.from(state);
  for (let round = 0; round < 64; round++) {
    const e = at(work, 4);
    const a = at(work, 0);
    const choice = (e & at(work, 5)) ^ (~e & at(work, 6));
    const majority = (a & at(work, 1)) ^ (a & at(work, 2)) ^ (at(work, 1) & at(work, 2));
    const mixedE = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const mixedA = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
    const first = at(work, 7) + mixedE + choice + at(roundConstants, round) + at(schedule, round);
    work.copyWithin(1, 0, 7);
    work[4] = at(work, 4) + first;
    work[0] = first + mixedA + majority;
  }
  for (let position = 0; position < 8; position++) state[position] = at(state, position) + at(work, position);
}

/** SHA-256 (FIPS 180-4) in plain JavaScript, because this package also runs in a browser and must be synchronous. 32 bytes. */
export function sha256(text: string): Uint8Array {
  const content = new TextEncoder().encode(text);
  const padded = new Uint8Array((((content.length + 8) >> 6) + 1) << 6);
  padded.set(content);
  padded[content.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, Math.floor(content.length / 0x20000000));
  view.setUint32(padded.length - 4, (content.length << 3) >>> 0);
  const state = Uint32Array.from(initialState);
  const schedule = new Uint32Array(64);
  for (let offset = 0; offset < padded.length; offset += 64) {
    for (let word = 0; word < 16; word++) schedule[word] = view.getUint32(offset + word * 4);
    compress(state, schedule);
  }
  const digest = new Uint8Array(32);
  const digestView = new DataView(digest.buffer);
  for (let position = 0; position < 8; position++) digestView.setUint32(position * 4, at(state, position));
  return digest;
}

/** SHA-256 of a text as 64 hex digits. */
export function sha256Hex(text: string): string {
  return Array.from(sha256(text), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

const base64Digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Standard base64 with padding. */
export function base64(bytes: Uint8Array): string {
  let text = '';
  for (let offset = 0; offset < bytes.length; offset += 3) {
    const group = ((bytes[offset] ?? 0) << 16) | ((bytes[offset + 1] ?? 0) << 8) | (bytes[offset + 2] ?? 0);
    for (let digit = 0; digit < 4; digit++) {
      text += offset + digit > bytes.length ? '=' : base64Digits[(group >> (18 - 6 * digit)) & 63];
    }
  }
  return text;
}
