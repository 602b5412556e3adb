// One proxy's ADS stream: requests in, the newest configuration out, in Envoy's order and no faster than the proxy reads.
import { type EnvoyType, typeUrls } from '@ursa/envoy';
import { MeshError } from '@ursa/resources';
import type { ConversationRules, Reception } from '../delta/conversation.ts';
import { type GrpcCall, type GrpcHandler, type GrpcOutcome, grpcStatus } from '../delta/grpc/index.ts';
import { openIncremental } from '../delta/incremental.ts';
import { openStateOfTheWorld } from '../delta/state-of-the-world.ts';
import { type DecodedRequest, decodeIncremental, decodeStateOfTheWorld, namesPerRequest } from './decode-request.ts';
import type { InFlight } from './delivery.ts';
import { encodeIncremental, encodeStateOfTheWorld } from './encode-response.ts';
import { type ProxyNode, parseProxyNode } from './proxy-node.ts';
import { openPushSequence, type ProxyResources, type Push } from './push-sequence.ts';
import { namedResources } from './rejection.ts';
import { costOfRequest, openRequestBudget } from './request-budget.ts';

/** The two ways to speak ADS. */
export type AdsProtocol = 'incremental' | 'state-of-the-world';

/** What becomes of a stream; told to its owner. */
export interface AdsObserver {
  /**
   * Decides whether the proxy may come in; nothing is read from it meanwhile. Resolves when it is in; rejects with a `MeshError` whose
   * message the proxy gets.
   */
  admit(node: ProxyNode, call: GrpcCall, stream: AdsStream): Promise<void>;
  sent(type: EnvoyType, bytes: number): void;
  acknowledged(type: EnvoyType, resources: readonly string[]): void;
  /** `versions` are those of the resources that are refused, by name. */
  rejected(type: EnvoyType, message: string, versions: ReadonlyMap<string, string>): void;
  /** Called after all that can be sent was sent, but for what may wait. */
  flushed(inFlight: InFlight): void;
  /** Called when it changes: whether the proxy has answered for its newest listeners and secrets, with which it can take TLS. */
  secured(secured: boolean): void;
  /** The proxy has broken the protocol, which ends the stream. */
  offended(): void;
  /** Called exactly once. */
  closed(): void;
}

/** A stream, for its owner. */
export interface AdsStream {
  /** Sets the newest configuration; it is sent with the next `flush`. */
  offer(resources: ProxyResources): void;
  /** Sends what can be sent now and may not wait. */
  flush(): void;
  /** Sends what `flush` has left, when nobody waits for something more urgent. */
  finish(): void;
  /** True when something is left that can be sent. */
  readonly hasRest: boolean;
  end(outcome: GrpcOutcome): void;
  /** Ends it so that the client comes back over a new connection. */
  sendAway(outcome: GrpcOutcome): void;
}

const typeByUrl: ReadonlyMap<string, EnvoyType> = new Map(
  (Object.entries(typeUrls) as [EnvoyType, string][]).map(([type, url]) => [url, type]),
);
const complete: ConversationRules = { complete: true, nameLimit: namesPerRequest, namedIn: namedResources };
const partial: ConversationRules = { ...complete, complete: false };
const protocols = {
  incremental: { open: openIncremental, decode: decodeIncremental, encode: encodeIncremental },
  'state-of-the-world': { open: openStateOfTheWorld, decode: decodeStateOfTheWorld, encode: encodeStateOfTheWorld },
} as const;

// How long listeners wait for a client to ask for the endpoints of new clusters. Envoy asks at once.
const patienceMilliseconds = 2000;
// How long a client may hold a stream before it has proven who it is.
const introductionMilliseconds = 10_000;
// How long a response may be unanswered until we look whether the client is there: what is under way keeps the kernel from asking, for minutes.
const answerMilliseconds = 1_000;
// How long it may take to say so. Envoy says nothing while it takes configuration in, and who is new takes in all of it.
const pongMilliseconds = 6_500;
const firstPongMilliseconds = 12_000;
const newcomerMilliseconds = 60_000;
// Requests that may come in with the first one, before reading stops.
const earlyRequests = 64;

/** Serves one call. `observe` is called at once. */
export function serveAdsStream(call: GrpcCall, protocol: AdsProtocol, observe: () => AdsObserver): GrpcHandler {
  const { open, decode, encode } = protocols[protocol];
  const sequence = openPushSequence((type) => open(type === 'cluster' || type === 'listener' ? complete : partial));
  const observer = observe();
  const early: DecodedRequest[] = [];
  let nodeId: string | undefined;
  let admitted = false;
  let writable = true;
  let secured = false;
  let patience: NodeJS.Timeout | undefined;
  let unanswered: NodeJS.Timeout | undefined;
  const budget = openRequestBudget();
  let unread: NodeJS.Timeout | undefined;
  const opened = performance.now();
  const introduction = setTimeout(() => {
    call.end({ code: grpcStatus.deadlineExceeded, message: 'the proxy did not say in time who it is' });
  }, introductionMilliseconds);
  introduction.unref();

  const lookWhetherSecured = (): void => {
    if (sequence.secured === secured) return;
    secured = !secured;
    observer.secured(secured);
  };

  const pushAll = (next: () => Push | undefined): void => {
    while (writable) {
      const push = next();
      if (push === undefined) break;
      const parts = encode(push.type, push.update);
      writable = call.write(parts);
      observer.sent(push.type, lengthOf(parts));
    }
    observer.flushed(sequence.inFlight);
    if (sequence.inFlight.unanswered.size === 0) {
      clearTimeout(unanswered);
      unanswered = undefined;
    } else {
      unanswered ??= setTimeout(() => {
        unanswered = undefined;
        const isNew = performance.now() - opened < newcomerMilliseconds;
        call.ping(isNew ? firstPongMilliseconds : pongMilliseconds);
      }, answerMilliseconds).unref();
    }
    lookWhetherSecured();
    if (!sequence.waiting) {
      clearTimeout(patience);
      patience = undefined;
    } else if (patience === undefined) {
      patience = setTimeout(() => {
        patience = undefined;
        sequence.giveUp();
        flush();
      }, patienceMilliseconds);
      patience.unref();
    }
  };

  // Called from timers and queues too, where nobody else would take an error.
  const guarded = (next: () => Push | undefined): void => {
    if (!admitted) return;
    try {
      pushAll(next);
    } catch (error) {
      call.fail(error);
    }
  };
  const flush = (): void => guarded(sequence.next);

  const refuse = (error: unknown): void => {
    if (error instanceof MeshError) call.end(outcomeOf(error));
    else call.fail(error);
  };

  const stream: AdsStream = {
    offer(resources) {
      sequence.offer(resources);
      // It may take until this is sent, and what is written meanwhile must not say that the proxy has it.
      if (secured) lookWhetherSecured();
    },
    flush,
    finish: () => guarded(() => sequence.next() ?? sequence.rest()),
    get hasRest() {
      return writable && sequence.hasRest;
    },
    end: (outcome) => call.end(outcome),
    sendAway: (outcome) => call.sendAway(outcome),
  };

  /** Takes what a request costs out of the budget, and reads no more for a while when nothing is left. */
  const charge = (kind: Reception['kind'], request: DecodedRequest): void => {
    const milliseconds = budget.spend(costOfRequest(kind, request));
    if (milliseconds === 0 || unread !== undefined) return;
    call.pause();
    unread = setTimeout(() => {
      unread = undefined;
      call.resume();
    }, milliseconds).unref();
  };

  const receive = (request: DecodedRequest): void => {
    const type = typeByUrl.get(request.typeUrl);
    // Types we do not serve are not answered: Envoy asks for them only when a resource of ours tells it to.
    const reception: Reception = type === undefined ? { kind: 'stale' } : sequence.receive(type, request);
    charge(reception.kind, request);
    if (type === undefined || reception.kind === 'stale') return;
    if (reception.kind === 'refused') {
      observer.offended();
      call.end({ code: grpcStatus.resourceExhausted, message: reception.message });
    } else if (reception.kind === 'acknowledged') observer.acknowledged(type, reception.resources);
    else if (reception.kind === 'rejected') observer.rejected(type, reception.message, reception.versions);
    flush();
  };

  const introduce = async (request: DecodedRequest): Promise<void> => {
    if (request.node === undefined) throw new MeshError('invalid', 'the first request of a stream must carry the node');
    const node = parseProxyNode(request.node);
    nodeId = node.id;
    call.pause();
    await observer.admit(node, call, stream);
    clearTimeout(introduction);
    admitted = true;
    call.proven();
    call.resume();
    for (const waiting of early.splice(0)) receive(waiting);
  };

  return {
    onMessage(message) {
      try {
        const request = decode(message);
        if (admitted) {
          if (request.node !== undefined && request.node.id !== nodeId) throw changedNode(nodeId);
          receive(request);
          return;
        }
        early.push(request);
        if (early.length > earlyRequests)
          throw new MeshError('too-large', 'too many requests before the first was answered');
        if (early.length > 1) {
          if (request.node !== undefined && request.node.id !== nodeId) throw changedNode(nodeId);
          return;
        }
        introduce(request).catch(refuse);
      } catch (error) {
        observer.offended();
        refuse(error);
      }
    },
    onDrain() {
      writable = true;
      flush();
    },
    onClose() {
      clearTimeout(introduction);
      clearTimeout(patience);
      clearTimeout(unanswered);
      clearTimeout(unread);
      admitted = false;
      early.length = 0;
      observer.closed();
    },
  };
}

function lengthOf(parts: readonly Uint8Array[]): number {
  let length = 0;
  for (const part of parts) length += part.length;
  return length;
}

function changedNode(id: string | undefined): MeshError {
  return new MeshError('invalid', `the node id changed within one stream; it was "${id ?? ''}"`);
}

const codes: Partial<Record<MeshError['code'], GrpcOutcome['code']>> = {
  invalid: grpcStatus.invalidArgument,
  'not-found': grpcStatus.notFound,
  conflict: grpcStatus.alreadyExists,
  'precondition-failed': grpcStatus.failedPrecondition,
  unauthenticated: grpcStatus.unauthenticated,
  forbidden: grpcStatus.permissionDenied,
  'too-large': grpcStatus.resourceExhausted,
  unsupported: grpcStatus.unimplemented,
  unavailable: grpcStatus.unavailable,
};

/** How an error ends a call. Only a `MeshError` is told to the client: others may hold what it must not see. */
export function outcomeOf(error: unknown): GrpcOutcome {
  if (!(error instanceof MeshError))
    return { code: grpcStatus.internal, message: 'the control plane failed; its log says why' };
  const violations = error.violations
    .map(({ field, message }) => `${field}: ${message}`)
    .filter((line) => !error.message.includes(line));
  return { code: codes[error.code] ?? grpcStatus.internal, message: [error.message, ...violations].join('; ') };
}
