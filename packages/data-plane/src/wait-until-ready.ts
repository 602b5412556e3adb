// `kuma-dp wait`: returns when the proxy is ready, so that an application can start behind it.
import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatDuration, MeshError } from '@ursa/resources';
import type { Log } from './log.ts';

/** What to ask and how patiently. Times in milliseconds. */
export interface WaitOptions {
  /** On the loopback; the proxy to wait for is this host's own. */
  readonly url: string;
  /** Ask through this Unix socket; '' for TCP. */
  readonly unixSocket: string;
  readonly timeout: number;
  readonly checkFrequency: number;
  readonly requestTimeout: number;
  readonly log: Log;
}

/** Resolves when the URL answers 200. Throws `unavailable` with the last reason when the time is over. */
export async function waitUntilReady(options: WaitOptions): Promise<void> {
  const url = URL.parse(options.url);
  if (url === null || url.protocol !== 'http:')
    throw new MeshError(
      'invalid',
      `--url: expected an http URL such as http://localhost:9902/ready, got "${options.url}"`,
    );
  if (!['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)) {
    throw new MeshError(
      'invalid',
      `--url: the host must be this one (localhost, 127.0.0.1 or [::1]), got "${url.hostname}"`,
    );
  }
  const deadline = performance.now() + options.timeout;
  for (;;) {
    const reason = await checkOnce(url, options);
    if (reason === undefined) {
      options.log.info('the proxy is ready');
      return;
    }
    options.log.info('the proxy is not ready', { reason });
    if (performance.now() + options.checkFrequency > deadline) {
      throw new MeshError(
        'unavailable',
        `the proxy was not ready within ${formatDuration(options.timeout)}: ${reason}`,
      );
    }
    await sleep(options.checkFrequency);
  }
}

/** Why it is not ready; undefined when it is. */
function checkOnce(url: URL, options: WaitOptions): Promise<string | undefined> {
  return new Promise((resolve) => {
    const target =
      options.unixSocket === ''
        ? { host: url.hostname.replaceAll(/[[\]]/g, ''), port: url.port === '' ? 80 : Number(url.port) }
        : { socketPath: options.unixSocket };
    const call = request(
      { ...target, path: url.pathname, headers: { host: 'localhost' }, agent: false, timeout: options.requestTimeout },
      (response) => {
        response.resume();
        response.on('error', (error) => resolve(error.message));
        response.on('end', () =>
          resolve(response.statusCode === 200 ? undefined : `${options.url} answered ${response.statusCode}`),
        );
      },
    );
    call.on('timeout', () => call.destroy(new Error(`no answer within ${formatDuration(options.requestTimeout)}`)));
    call.on('error', (error: NodeJS.ErrnoException) =>
      resolve(error.code === 'ECONNREFUSED' ? `nothing listens at ${options.unixSocket || url.host}` : error.message),
    );
    call.end();
  });
}
