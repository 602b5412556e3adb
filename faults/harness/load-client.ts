// The measuring client, as a program on the client's host: steady requests over kept and over new connections and one long gRPC stream. Every
// request counts: it starts when it is due, whatever became of the others, and is lost unless it is answered 200.
// Spoken to over the channel to its parent: `report` asks for what happened so far, `stop` ends it after what is under way.
import { Agent, request } from 'node:http';
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';
import type { LoadPlan, LoadReport, LostRequest } from './load.ts';

const plan: LoadPlan = JSON.parse(process.argv[2] ?? '{}');
const answerPatience = 10_000;
const lost: LostRequest[] = [];
const latencies: number[] = [];
const sent = { kept: 0, fresh: 0, messages: 0 };
const answered = { messages: 0 };
let streams = 0;
let stopping = false;
const open = new Set<Promise<void>>();
// Without a limit: a request that had to wait here for a connection would count against the mesh.
const agents = { kept: new Agent({ keepAlive: true }), fresh: new Agent({ keepAlive: false }) };

function send(kind: 'kept' | 'fresh'): Promise<void> {
  sent[kind] += 1;
  const at = Date.now();
  const started = performance.now();
  return new Promise((resolve) => {
    let settled = false;
    const finish = (reason?: string): void => {
      if (settled) return;
      settled = true;
      if (reason === undefined) latencies.push(performance.now() - started);
      else lost.push({ at, kind, reason });
      resolve();
    };
    const call = request(plan.url, { agent: agents[kind] }, (response) => {
      response.on('error', (error) => finish(error.message));
      // Envoy's words for what it answers itself.
      let text = '';
      response.on('data', (chunk: Buffer) => {
        if (response.statusCode !== 200 && text.length < 200) text += chunk;
      });
      response.on('end', () =>
        finish(response.statusCode === 200 ? undefined : `status ${response.statusCode} (${text.slice(0, 200)})`),
      );
    });
    const patience = setTimeout(() => {
      finish('no answer');
      call.destroy();
    }, answerPatience);
    call.on('close', () => {
      clearTimeout(patience);
      finish('closed before the answer');
    });
    call.on('error', (error) => finish(error.message));
    call.end();
  });
}

function startSending(kind: 'kept' | 'fresh', perSecond: number): NodeJS.Timeout {
  const started = performance.now();
  return setInterval(() => {
    const due = Math.floor(((performance.now() - started) / 1000) * perSecond) - sent[kind];
    for (let index = 0; index < due; index += 1) {
      const pending: Promise<void> = send(kind).finally(() => open.delete(pending));
      open.add(pending);
    }
  }, 2);
}

let session: ClientHttp2Session | undefined;
let stream: ClientHttp2Stream | undefined;

/** One call whose messages are numbered. When it breaks, that is a loss, and another one begins. */
function openStream(): void {
  if (stopping) return;
  streams += 1;
  let ended = false;
  const broken = (reason: string): void => {
    if (ended) return;
    ended = true;
    if (!stopping) lost.push({ at: Date.now(), kind: 'stream', reason });
    session?.destroy();
    setTimeout(openStream, 50);
  };
  session = connect(plan.streamUrl);
  session.on('error', (error) => broken(error.message));
  session.on('close', () => broken('connection closed'));
  stream = session.request({
    ':method': 'POST',
    ':path': '/ursa.Echo/Talk',
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  stream.on('response', (headers) => {
    if (headers[':status'] !== 200 || headers['grpc-status'] !== undefined)
      broken(`status ${headers[':status']}, grpc-status ${headers['grpc-status']}`);
  });
  stream.on('data', (chunk: Buffer) => {
    received += chunk.length;
    answered.messages = Math.floor(received / messageLength);
  });
  stream.on('error', (error) => broken(error.message));
  stream.on('end', () => broken('stream ended'));
}

const messageLength = 16;
let received = 0;

function sendMessage(): void {
  if (stream === undefined || stream.destroyed || !stream.writable) return;
  sent.messages += 1;
  const message = Buffer.alloc(messageLength);
  message.writeUInt32BE(messageLength - 5, 1);
  message.writeUInt32BE(sent.messages, 5);
  stream.write(message);
}

function report(): LoadReport {
  const sorted = latencies.toSorted((one, other) => one - other);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return {
    sent: sent.kept + sent.fresh,
    lost: lost.filter(({ kind }) => kind !== 'stream'),
    streamBreaks: lost.filter(({ kind }) => kind === 'stream'),
    streams,
    messagesSent: sent.messages,
    messagesAnswered: answered.messages,
    latency: { median: at(0.5), p99: at(0.99), most: sorted.at(-1) ?? 0 },
  };
}

const timers = [
  startSending('kept', plan.keptPerSecond),
  startSending('fresh', plan.newPerSecond),
  setInterval(sendMessage, 50),
];
openStream();

process.on('message', (word) => {
  if (word === 'report') process.send?.(report());
  if (word !== 'stop') return;
  for (const timer of timers) clearInterval(timer);
  void Promise.all(open).then(() => {
    // The echo of the last message has had as long as the slowest request.
    setTimeout(() => {
      stopping = true;
      process.send?.(report(), () => process.exit(0));
    }, 300);
  });
});
// Nobody to report to any more.
process.on('disconnect', () => process.exit(1));
