// Tells the control plane when others may send to this proxy: once it is ready, and no more when it is about to leave (decision 0081).
import { type IncomingMessage, request as requestPlain } from 'node:http';
import { request as requestTls } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { type AdminAddress, askEnvoy } from '../envoy/admin.ts';
import type { Log } from '../log.ts';
import type { BootstrapCall } from './fetch-bootstrap.ts';
import { atEachAddress } from './several-addresses.ts';
import { tlsOptions } from './trust.ts';

const timeout = 3000;
const readinessInterval = 20;
const retryInterval = 1000;

/** Waits until Envoy serves, then says so until the control plane has heard it. Older control planes do not care. Rejects when it is aborted. */
export async function announceReady(
  call: () => BootstrapCall,
  token: () => string,
  admin: AdminAddress,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  await untilLive(admin, signal);
  let said = false;
  for (;;) {
    const answer = await postToAny(call(), token(), '/ready');
    if (typeof answer === 'number' && answer !== 409 && answer < 500) {
      if (answer === 200) log.info('ready: others may send to this proxy');
      else log.debug('the control plane does not wait for readiness', { status: answer });
      return;
    }
    if (!said) log.warn('the control plane does not hear that this proxy is ready; trying again', { reason: answer });
    said = true;
    await sleep(retryInterval, undefined, { signal });
  }
}

/** Whether the control plane has taken this proxy's endpoints away. False for control planes that cannot, or that do not answer. */
export async function announceDrain(call: BootstrapCall, token: string, log: Log): Promise<boolean> {
  let answer = await postToAny(call, token, '/drain');
  // Somebody wrote the Dataplane at the same moment.
  if (answer === 409) answer = await postToAny(call, token, '/drain');
  if (answer === 200) return true;
  log.warn('the control plane does not take this proxy out of service; clients may come until the drain time is over', {
    reason: answer,
  });
  return false;
}

/** Resolves when Envoy has its configuration and serves. Rejects when it is aborted. */
export async function untilLive(admin: AdminAddress, signal: AbortSignal): Promise<void> {
  while (!(await isLive(admin))) await sleep(readinessInterval, undefined, { signal });
}

async function isLive(admin: AdminAddress): Promise<boolean> {
  try {
    return (await askEnvoy(admin, 'GET', '/ready')).status === 200;
  } catch {
    return false;
  }
}

/** The answer of the first address that has one. */
async function postToAny(call: BootstrapCall, token: string, path: string): Promise<number | string> {
  let answer: number | string = '';
  for (const one of atEachAddress(call)) {
    answer = await post(one, token, path);
    if (typeof answer === 'number' && answer < 500) return answer;
  }
  return answer;
}

/** The answer's status, or why there was none. */
function post(call: BootstrapCall, token: string, path: string): Promise<number | string> {
  const body = JSON.stringify({ mesh: call.mesh, name: call.name, proxyType: call.proxyType, dataplaneToken: token });
  const url = new URL(path, call.url);
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  const options = { method: 'POST', headers, agent: false, timeout } as const;
  return new Promise((resolve) => {
    const onAnswer = (response: IncomingMessage): void => {
      response.resume();
      resolve(response.statusCode ?? 0);
    };
    const outgoing =
      url.protocol === 'https:'
        ? requestTls(url, { ...options, ...tlsOptions(call.trust) }, onAnswer)
        : requestPlain(url, options, onAnswer);
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer within ${timeout} ms`)));
    outgoing.on('error', (error) => resolve(error.message));
    outgoing.end(body);
  });
}
