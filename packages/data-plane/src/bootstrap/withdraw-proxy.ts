// Tells the control plane that this proxy is about to leave, so that other proxies stop sending to it.
import { type IncomingMessage, request as requestPlain } from 'node:http';
import { request as requestTls } from 'node:https';
import type { Log } from '../log.ts';
import type { BootstrapCall } from './fetch-bootstrap.ts';
import { tlsOptions } from './trust.ts';

const timeout = 3000;

/** Whether the control plane has taken this proxy's endpoints away. False for control planes that cannot, or that do not answer. */
export function withdrawProxy(call: BootstrapCall, token: string, log: Log): Promise<boolean> {
  const body = JSON.stringify({ mesh: call.mesh, name: call.name, proxyType: call.proxyType, dataplaneToken: token });
  const url = new URL('/drain', call.url);
  const options = {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
    agent: false,
    timeout,
  } as const;
  return new Promise((resolve) => {
    const giveUp = (reason: string): void => {
      log.warn(
        'the control plane does not take this proxy out of service; clients may come until the drain time is over',
        { reason },
      );
      resolve(false);
    };
    const onAnswer = (response: IncomingMessage): void => {
      response.resume();
      if (response.statusCode === 200) resolve(true);
      else giveUp(`it answered ${response.statusCode}`);
    };
    const outgoing =
      url.protocol === 'https:'
        ? requestTls(url, { ...options, ...tlsOptions(call.trust) }, onAnswer)
        : requestPlain(url, options, onAnswer);
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer within ${timeout} ms`)));
    outgoing.on('error', (error) => giveUp(error.message));
    outgoing.end(body);
  });
}
