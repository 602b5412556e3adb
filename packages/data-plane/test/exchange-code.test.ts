// What is secret in a join code goes to nobody but the control plane of the code, whatever the environment says of certificates.
import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { issueSelfSigned } from '../../kumactl/src/self-signed-certificate.ts';
import { exchangeCode } from '../src/joining/exchange-code.ts';

const issue = () => issueSelfSigned({ type: 'server', names: ['127.0.0.1'], keyType: 'ecdsa', now: Date.now() });

/** Somebody who knows the authority of the control plane, as everybody may, and shows the given certificate. */
async function openAnswering(context: TestContext, authority: string, shown: { certificate: string; key: string }) {
  const paths: string[] = [];
  const server = createServer({ cert: shown.certificate, key: shown.key }, ({ url = '' }, response) => {
    paths.push(url);
    response.end(
      url === '/join/authority'
        ? authority
        : JSON.stringify({ mesh: 'default', service: 'web', name: 'web-1', token: 'token' }),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => void server.close().closeAllConnections());
  const address = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const fingerprint = createHash('sha256').update(new X509Certificate(authority).raw).digest('hex');
  return { paths, code: { addresses: [address], authority: fingerprint, id: 'id', secret: 'secret' } };
}

const wish = { service: 'web', name: '' };

test('the control plane of the code is told it', async (context) => {
  const own = await issue();
  const { code } = await openAnswering(context, own.certificate, own);
  assert.equal((await exchangeCode(code, wish, AbortSignal.timeout(10_000))).token, 'token');
});

test('who shows another certificate is told nothing, also where an application has verification switched off', async (context) => {
  const { NODE_TLS_REJECT_UNAUTHORIZED: before } = process.env;
  context.after(() => {
    if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before;
  });
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
  const { certificate } = await issue();
  const { code, paths } = await openAnswering(context, certificate, await issue());
  await assert.rejects(exchangeCode(code, wish, AbortSignal.timeout(10_000)));
  assert.deepEqual(paths, ['/join/authority']);
});
