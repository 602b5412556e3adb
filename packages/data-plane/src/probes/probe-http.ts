// What the application answers to a GET. Redirections are good answers and are not followed: they may lead to other hosts.
import { type IncomingHttpHeaders, request as plainRequest } from 'node:http';
import { request as secureRequest } from 'node:https';
import { version } from '../version.ts';
import { healthyResult, type ProbeResult, type ProbeTarget, unhealthyResult } from './probe-result.ts';

const ownPrefix = 'x-kuma-probes-';
/** They are about the connection that they came over. */
const hopByHop = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
const longestBody = 10 * 1024;

/** Asks for a path with the headers of the one who probes. */
export function probeHttp(target: ProbeTarget, path: string, given: IncomingHttpHeaders): Promise<ProbeResult> {
  const { host, port, localAddress, timeout } = target;
  const secure = String(given[`${ownPrefix}scheme`] ?? '').toUpperCase() === 'HTTPS';
  const headers = forwarded(given, host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`);
  const options = { host, port, path, headers, agent: false, ...(localAddress === undefined ? {} : { localAddress }) };
  return new Promise((resolve) => {
    const end = (result: ProbeResult): void => {
      clearTimeout(deadline);
      call.destroy();
      resolve(result);
    };
    // As the kubelet: a probe asks whether the application answers, not who it is.
    const call = secure ? secureRequest({ ...options, rejectUnauthorized: false }) : plainRequest(options);
    const deadline = setTimeout(() => end(unhealthyResult(`no answer within ${timeout} ms`)), timeout);
    call.on('error', (cause) => end(unhealthyResult(cause.message)));
    call.on('response', (response) => {
      const status = response.statusCode ?? 0;
      const result =
        status >= 200 && status < 400 ? healthyResult : unhealthyResult(`it answers ${status}`, status || 503);
      let size = 0;
      // The rest of a long body is not waited for.
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > longestBody) end(result);
      });
      response.on('end', () => end(result));
      response.on('error', (cause) => end(unhealthyResult(cause.message)));
    });
    call.end();
  });
}

function forwarded(given: IncomingHttpHeaders, authority: string): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = { 'user-agent': `kuma-probe/${version}` };
  for (const [name, value] of Object.entries(given)) {
    if (value !== undefined && !name.startsWith(ownPrefix) && !hopByHop.has(name)) headers[name] = value;
  }
  const host = given[`${ownPrefix}host`];
  return { ...headers, host: typeof host === 'string' && host !== '' ? host : authority, connection: 'close' };
}
