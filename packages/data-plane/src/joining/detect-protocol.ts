// What an application speaks, found out by speaking to it. What does not answer like HTTP is plain TCP.
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A protocol that can be told from outside; undefined when nobody listens there. */
export type DetectedProtocol = 'http' | 'http2' | 'tcp' | undefined;

const pause = 100;
const answerPatience = 1000;
/** RFC 9113, 3.4: what an HTTP/2 client says first, and an empty SETTINGS frame. */
const http2Preface = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
]);
const settingsFrame = 4;
/** A question about the server itself, which no application has to answer. */
const http1Question = Buffer.from('OPTIONS * HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n');

/** Asks the application at a port of the loopback, waiting for it to listen for so many milliseconds. */
export async function detectProtocol(port: number, patience: number, signal: AbortSignal): Promise<DetectedProtocol> {
  const deadline = performance.now() + patience;
  for (;;) {
    const http1 = await ask(port, http1Question);
    if (http1?.subarray(0, 7).toString('latin1') === 'HTTP/1.') return 'http';
    if (http1 !== undefined) {
      const http2 = await ask(port, http2Preface);
      return http2 !== undefined && isSettings(http2) ? 'http2' : 'tcp';
    }
    if (performance.now() >= deadline) return undefined;
    await sleep(pause, undefined, { signal });
  }
}

/** An HTTP/2 server says SETTINGS first, of the connection as a whole (RFC 9113, 3.4 and 6.5). */
function isSettings(answer: Buffer): boolean {
  return answer.length >= 9 && answer[3] === settingsFrame && answer.readUInt32BE(5) === 0;
}

/** The beginning of the answer; empty when there is none in time; undefined when nobody listens. */
function ask(port: number, question: Buffer): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    let connected = false;
    let answer = Buffer.alloc(0);
    const socket: Socket = connect({ port, host: '127.0.0.1' });
    const timer = setTimeout(() => finish(), answerPatience);
    const finish = (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(connected ? answer : undefined);
    };
    socket.once('connect', () => {
      connected = true;
      socket.write(question);
    });
    socket.on('data', (chunk: Buffer) => {
      answer = Buffer.concat([answer, chunk]);
      if (answer.length >= 9) finish();
    });
    socket.once('error', finish);
    socket.once('close', finish);
  });
}
