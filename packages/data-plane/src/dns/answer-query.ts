// One question from its bytes to the bytes of its answer: names of the mesh first, then what is remembered, then the host's servers.
import type { AnswerCache } from './answer-cache.ts';
import type { ServerAsker } from './ask-servers.ts';
import { answerForMesh } from './mesh-answer.ts';
import type { MeshNames } from './mesh-names.ts';
import { codeAnswer, codeOf, fitted, type Query, readQuery, responseCodes } from './message.ts';

/** What questions are answered from. */
export interface AnswerSources {
  /** Undefined before the control plane has said anything. */
  readonly names: () => MeshNames | undefined;
  /** Asks whether there are new names, unless that was asked a moment ago. Never throws. */
  readonly refresh: () => Promise<void>;
  readonly cache: AnswerCache;
  readonly servers: ServerAsker;
  /** Whether IPv6 traffic reaches the proxy. */
  readonly ipv6: boolean;
  /** Told of each answer: its code, and who gave it. */
  readonly onAnswer?: (query: Query, code: number, from: 'mesh' | 'elsewhere' | 'nobody') => void;
}

/** How the question came: a datagram holds only so much. */
export type Transport = 'udp' | 'tcp';

/** Answers; undefined for what is no question. Never throws. */
export async function answerQuery(
  bytes: Buffer,
  transport: Transport,
  sources: AnswerSources,
): Promise<Buffer | undefined> {
  const query = readQuery(bytes);
  if (query === 'drop') return undefined;
  if (typeof query === 'number') return codeAnswer(bytes, query);
  try {
    const answer = fromMesh(query, sources) ?? (await fromElsewhere(query, sources));
    sources.onAnswer?.(query, codeOf(answer), isOfMesh(query, sources) ? 'mesh' : 'elsewhere');
    return transport === 'udp' ? fitted(answer, query) : answer;
  } catch {
    sources.onAnswer?.(query, responseCodes.serverFailure, 'nobody');
    return codeAnswer(bytes, responseCodes.serverFailure, query.questionEnd);
  }
}

function isOfMesh(query: Query, sources: AnswerSources): boolean {
  return fromMesh(query, sources) !== undefined;
}

function fromMesh(query: Query, { names, ipv6 }: AnswerSources): Buffer | undefined {
  const known = names();
  return known && answerForMesh(query, known, ipv6);
}

async function fromElsewhere(query: Query, sources: AnswerSources): Promise<Buffer> {
  const { cache, servers, names, refresh } = sources;
  // A service that was made a moment ago has its name as soon as somebody asks for it, and no other answer to it is given.
  await refresh();
  const ofMesh = fromMesh(query, sources);
  if (ofMesh !== undefined) return ofMesh;
  const remembered = cache.find(query);
  if (remembered !== undefined) return remembered;
  let answer: Buffer;
  try {
    answer = await servers.ask(query);
  } catch (cause) {
    const old = cache.findOld(query);
    if (old === undefined) throw cause;
    return old;
  }
  // While the names of the mesh are not known nobody can say that there is no such name.
  if (names() === undefined && codeOf(answer) === responseCodes.nameError)
    return codeAnswer(query.bytes, responseCodes.serverFailure, query.questionEnd);
  if (codeOf(answer) !== responseCodes.serverFailure) cache.store(query, answer);
  return answer;
}
