// DNS messages as bytes (RFC 1035 section 4): what has to be known and changed of a message that is passed on. What upstream servers say is never
// taken apart and put together again, so that record types nobody here knows arrive as they were sent.
import { decode, type Packet } from 'dns-packet';

/** A question that can be answered or passed on. */
export interface Query {
  readonly bytes: Buffer;
  readonly id: number;
  /** As asked, without the dot at its end. */
  readonly name: string;
  /** `A`, `AAAA`, `PTR`, … */
  readonly type: string;
  /** Where the question section ends. */
  readonly questionEnd: number;
  /** Bytes that the asker takes in a datagram. */
  readonly udpSize: number;
  readonly hasEdns: boolean;
  readonly recursionDesired: boolean;
  /** Alike for questions to which the same answer is right. */
  readonly key: string;
}

/** Response codes (RFC 1035 section 4.1.1). */
export const responseCodes = { noError: 0, formatError: 1, serverFailure: 2, nameError: 3, notImplemented: 4 } as const;

const headerLength = 12;
const plainUdpSize = 512;
const largestUdpSize = 4096;
const optType = 41;
const soaType = 6;
const flags = { response: 0x8000, truncated: 0x0200, recursionDesired: 0x0100, recursionAvailable: 0x0080 } as const;

/** A message that is no query of ours: dropped, or answered with a code. */
export type Unreadable = 'drop' | number;

/** Reads a query. */
export function readQuery(bytes: Buffer): Query | Unreadable {
  if (bytes.length < headerLength || (bytes.readUInt16BE(2) & flags.response) !== 0) return 'drop';
  if (((bytes.readUInt16BE(2) >> 11) & 0xf) !== 0) return responseCodes.notImplemented;
  if (bytes.readUInt16BE(4) !== 1) return responseCodes.formatError;
  let packet: Packet;
  let questionEnd: number;
  try {
    packet = decode(bytes);
    questionEnd = skipName(bytes, headerLength) + 4;
  } catch {
    return responseCodes.formatError;
  }
  const [question] = packet.questions ?? [];
  if (question === undefined || questionEnd > bytes.length) return responseCodes.formatError;
  if (question.class !== undefined && question.class !== 'IN') return responseCodes.notImplemented;
  const edns = (packet.additionals ?? []).find((record) => record.type === 'OPT');
  const wanted = edns?.type === 'OPT' ? edns.udpPayloadSize : 0;
  // RD and CD, the question byte for byte, and whether signatures are wanted.
  const asked = bytes.readUInt16BE(2) & 0x0110;
  const dnssec = edns?.type === 'OPT' && edns.flag_do === true;
  return {
    bytes,
    id: bytes.readUInt16BE(0),
    name: question.name,
    type: question.type,
    questionEnd,
    udpSize: Math.min(Math.max(wanted, plainUdpSize), largestUdpSize),
    hasEdns: edns !== undefined,
    recursionDesired: (asked & flags.recursionDesired) !== 0,
    key: `${asked} ${edns === undefined} ${dnssec} ${bytes.toString('latin1', headerLength, questionEnd)}`,
  };
}

/** An answer that is nothing but a code; for a message that could not be read without its question. */
export function codeAnswer(bytes: Buffer, code: number, questionEnd = headerLength): Buffer {
  const answer = Buffer.from(bytes.subarray(0, Math.max(questionEnd, headerLength)));
  const asked = bytes.readUInt16BE(2) & (0x7800 | flags.recursionDesired);
  answer.writeUInt16BE(flags.response | asked | flags.recursionAvailable | code, 2);
  answer.writeUInt16BE(questionEnd > headerLength ? 1 : 0, 4);
  answer.fill(0, 6, headerLength);
  return answer;
}

/** The query as it is sent on. */
export function withId(bytes: Buffer, id: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt16BE(id, 0);
  return copy;
}

/** Whether bytes are the answer to a query that was sent with this id: names may differ in case. */
export function isAnswerTo(answer: Buffer, { bytes, questionEnd }: Query, id: number): boolean {
  if (answer.length < questionEnd || answer.readUInt16BE(0) !== id) return false;
  if ((answer.readUInt16BE(2) & flags.response) === 0 || answer.readUInt16BE(4) !== 1) return false;
  const questionOf = (message: Buffer): string => message.toString('latin1', headerLength, questionEnd).toLowerCase();
  return questionOf(answer) === questionOf(bytes);
}

/** Whether an answer was cut off to fit a datagram. */
export function isTruncated(answer: Buffer): boolean {
  return (answer.readUInt16BE(2) & flags.truncated) !== 0;
}

/** The response code of an answer. */
export function codeOf(answer: Buffer): number {
  return answer.readUInt16BE(2) & 0xf;
}

/** The answer as it fits a datagram of the asker: too long a one is emptied and marked, so that the asker comes by TCP. */
export function fitted(answer: Buffer, { udpSize, questionEnd }: Query): Buffer {
  if (answer.length <= udpSize) return answer;
  const cut = codeAnswer(answer, codeOf(answer), questionEnd);
  cut.writeUInt16BE(cut.readUInt16BE(2) | flags.truncated, 2);
  return cut;
}

/** What an answer says of its own lifetime. */
export interface Lifetime {
  /** Seconds; 0 when it must not be remembered. */
  readonly seconds: number;
  /** Where the times stand that count down. */
  readonly positions: readonly number[];
}

/**
 * How long an answer holds: the shortest time of its records; for one that denies, what the zone's SOA says (RFC 2308 section 5). Throws `RangeError`
 * for bytes that are no message.
 */
export function lifetimeOf(answer: Buffer, questionEnd: number): Lifetime {
  const counts = [6, 8, 10].map((at) => answer.readUInt16BE(at));
  const [answers = 0] = counts;
  const positions: number[] = [];
  let shortest = Number.POSITIVE_INFINITY;
  let denial = 0;
  let at = questionEnd;
  for (let index = 0; index < counts.reduce((sum, count) => sum + count, 0); index += 1) {
    at = skipName(answer, at);
    const type = answer.readUInt16BE(at);
    const ttl = answer.readUInt32BE(at + 4);
    const end = at + 10 + answer.readUInt16BE(at + 8);
    if (end > answer.length) throw new RangeError('a record ends behind the message');
    if (type !== optType) {
      positions.push(at + 4);
      shortest = Math.min(shortest, ttl);
      if (type === soaType) denial = Math.min(ttl, answer.readUInt32BE(end - 4));
    }
    at = end;
  }
  const code = codeOf(answer);
  const isDenial = code === responseCodes.nameError || (code === responseCodes.noError && answers === 0);
  if (isDenial) return { seconds: denial, positions };
  return { seconds: code === responseCodes.noError && Number.isFinite(shortest) ? shortest : 0, positions };
}

/** A remembered answer for another question: its id and its times. `passed` and `least` in seconds. */
export function aged(answer: Buffer, positions: readonly number[], id: number, passed: number, least: number): Buffer {
  const copy = withId(answer, id);
  for (const at of positions) copy.writeUInt32BE(Math.max(least, copy.readUInt32BE(at) - passed), at);
  return copy;
}

/** Behind a name, which ends with an empty label or leads to another one. Throws `RangeError`. */
function skipName(bytes: Buffer, start: number): number {
  let at = start;
  for (;;) {
    const length = bytes.readUInt8(at);
    if (length === 0) return at + 1;
    if ((length & 0xc0) === 0xc0) return at + 2;
    if ((length & 0xc0) !== 0) throw new RangeError('a label of an unknown kind');
    at += 1 + length;
  }
}
