// What the application says to gRPC's health protocol (grpc.health.v1.Health/Check), over HTTP/2 in plain text.
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { version } from '../version.ts';
import { healthyResult, type ProbeResult, type ProbeTarget, unhealthyResult, unknownResult } from './probe-result.ts';

const serving = 1;
const longestAnswer = 10 * 1024;
const longestName = 1024;

/** Asks after a service; '' means all of the application. */
export function probeGrpc(target: ProbeTarget, service: string): Promise<ProbeResult> {
  if (service.length > longestName) return Promise.resolve(unknownResult('the name of the service is too long'));
  const { host, port, localAddress, timeout } = target;
  return new Promise((resolve) => {
    const socket = connect({ host, port, ...(localAddress === undefined ? {} : { localAddress }) });
    const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`;
    const session = connectHttp2(`http://${authority}`, { createConnection: () => socket });
    const end = (result: ProbeResult): void => {
      clearTimeout(deadline);
      session.destroy();
      socket.destroy();
      resolve(result);
    };
    const fail = (cause: Error): void => end(unhealthyResult(cause.message));
    const deadline = setTimeout(() => end(unhealthyResult(`no answer within ${timeout} ms`)), timeout);
    session.on('error', fail);
    socket.on('error', fail);
    const call = session.request({
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
      te: 'trailers',
      'user-agent': `kube-probe/${version}`,
    });
    let answer = Buffer.alloc(0);
    let status: string | undefined;
    const note = (headers: Readonly<Record<string, unknown>>): void => {
      if (headers['grpc-status'] !== undefined) status = String(headers['grpc-status']);
    };
    call.on('error', fail);
    call.on('response', note);
    call.on('trailers', note);
    call.on('data', (chunk: Buffer) => {
      answer = Buffer.concat([answer, chunk]);
      if (answer.length > longestAnswer) end(unhealthyResult('the answer is no health check response'));
    });
    call.on('close', () => {
      if (status !== '0') end(unhealthyResult(`the health check ended with status ${status ?? 'none'}`));
      else if (statusIn(answer) === serving) end(healthyResult);
      else end(unhealthyResult(`the health check says ${statusIn(answer) ?? 'nothing'}, not SERVING`));
    });
    call.end(framed(service));
  });
}

/** A `HealthCheckRequest` in its frame. Its one field is the name of the service, a text. */
function framed(service: string): Buffer {
  const name = Buffer.from(service);
  const length = name.length < 128 ? [name.length] : [(name.length & 127) | 128, name.length >> 7];
  const message = name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a, ...length]), name]);
  const frame = Buffer.alloc(5);
  frame.writeUInt32BE(message.length, 1);
  return Buffer.concat([frame, message]);
}

/** `status` of a `HealthCheckResponse` in its frame: its one field, a number below 128, or left out for 0. Undefined when it is none. */
function statusIn(answer: Buffer): number | undefined {
  if (answer.length < 5 || answer[0] !== 0 || answer.length !== 5 + answer.readUInt32BE(1)) return undefined;
  const message = answer.subarray(5);
  if (message.length === 0) return 0;
  return message.length === 2 && message[0] === 0x08 ? message[1] : undefined;
}
