// Who may what by path and header, in front of an application that reads paths as leniently as any: hundreds of spellings through a real Envoy.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parseYamlDocuments } from '@ursa/resources';
import type { ResourceDocument } from '../../examples/demo/control-plane.ts';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { openScriptedService, type SeenRequest } from '../harness/scripted-service.ts';
import { openWorld, policy } from '../harness/world.ts';
import { doubledRoles, honestRequests, hostileRequests, type RawRequest, readingsOf } from './corpus.ts';

const world = await openWorld();
const service = await openScriptedService('api');
after(() => Promise.all([world.close(), service.close()]));
const api = await world.start({ service: 'api', servicePort: service.port });

const odd = { url_path: { path: { safe_regex: { regex: '.*[;%\\\\].*' } } } };
const ofRole = (exact: string) => ({ header: { name: 'x-role', string_match: { exact } } });
const anybody = [{ any: true }];
const below = (prefix: string) => ({ url_path: { path: { prefix, ignore_case: true } } });
const denying = {
  action: 'DENY',
  policies: {
    odd: { principals: anybody, permissions: [odd] },
    admin: { principals: [{ not_id: ofRole('admin') }], permissions: [below('/admin')] },
    internal: { principals: anybody, permissions: [below('/internal')] },
    banned: { principals: [ofRole('banned')], permissions: [{ any: true }] },
  },
};
const denyingFilter = {
  name: 'by-path-deny',
  typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC', rules: denying },
};
/** The one that the guide gives, and another that denies instead. */
const policies = {
  allow: readGuide(),
  deny: policy('MeshProxyPatch', 'by-path', {
    targetRef: { kind: 'Mesh' },
    default: {
      appendModifications: [
        {
          httpFilter: { operation: 'AddFirst', match: { origin: 'inbound' }, value: JSON.stringify(denyingFilter) },
        },
      ],
    },
  }),
};

function readGuide(): ResourceDocument {
  const text = readFileSync(join(import.meta.dirname, '../../docs/guide/authorize-by-path.md'), 'utf8');
  const [, block = ''] = /^```yaml\n(.*?)^```$/ms.exec(text) ?? [];
  const [document] = parseYamlDocuments(block, { source: 'the guide' });
  return document?.value as ResourceDocument;
}

/** Applies a rule and waits until it decides. */
async function decideBy(rule: keyof typeof policies): Promise<void> {
  await world.controlPlane.apply(policies[rule]);
  await waitFor(`rules that ${rule}`, async () => {
    const dump = await api.admin('/config_dump?resource=dynamic_listeners');
    return dump.includes(`by-path-${rule}`) && (await send({ target: '/admin/x', lines: [] })).status === 403;
  });
}

interface Result {
  /** 0 when the connection was closed without an answer. */
  readonly status: number;
  readonly seen: SeenRequest | undefined;
}

const timeLimit = 3000;

function send({ target, lines }: RawRequest): Promise<Result> {
  return new Promise((resolve, reject) => {
    const socket = connect(api.inboundPort, '127.0.0.1');
    let text = '';
    const end = (): void => {
      socket.destroy();
      resolve(readAnswer(text));
    };
    socket.setTimeout(timeLimit, end);
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      text += chunk;
      // Envoy leaves some connections open after it has refused what came.
      if (/^HTTP\/1\.1 (?!200)\d+.*\r\n\r\n/s.test(text)) end();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') reject(error);
      else end();
    });
    socket.on('close', end);
    const head = [`GET ${target} HTTP/1.1`, 'host: api', 'connection: close', ...lines, '', ''].join('\r\n');
    socket.write(head, 'latin1');
  });
}

function readAnswer(text: string): Result {
  const status = Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? 0);
  const body = /\{.*\}/s.exec(text)?.[0];
  return { status, seen: status === 200 && body !== undefined ? (JSON.parse(body) as SeenRequest) : undefined };
}

function isPublic(target: string): boolean {
  return readingsOf(target).every((path) => !/^\/(?:admin|internal)(?:\W|$)/.test(path));
}

for (const rule of ['allow', 'deny'] as const) {
  test(`rules that ${rule}: no spelling reaches what is not public`, async () => {
    await decideBy(rule);
    assert.ok(hostileRequests.length >= 200);
    const reached: string[] = [];
    let refused = 0;
    for (const request of hostileRequests) {
      const { status, seen } = await send(request);
      if (status !== 200) refused += 1;
      else if (seen === undefined || !isPublic(seen.url)) reached.push(`${JSON.stringify(request)} as ${seen?.url}`);
    }
    assert.deepEqual(reached, []);
    // Some of them are harmless for a rule that denies, but never most.
    assert.ok(refused > hostileRequests.length * 0.8, `${refused} of ${hostileRequests.length} were refused`);
  });

  test(`rules that ${rule}: honest requests are served, with one form of their path`, async () => {
    await decideBy(rule);
    for (const { seen: expected, ...request } of honestRequests) {
      const { status, seen } = await send(request);
      assert.deepEqual({ request, status, url: seen?.url }, { request, status: 200, url: expected });
    }
  });

  test(`rules that ${rule}: the same over HTTP/2`, async () => {
    await decideBy(rule);
    const session = connectHttp2(`http://127.0.0.1:${api.inboundPort}`);
    try {
      for (const { target } of hostileRequests.filter(
        ({ target, lines }) => lines.length === 0 && /^[!-~]+$/.test(target),
      )) {
        const { status, seen } = await new Promise<Result>((resolve) => {
          const stream = session.request({ ':path': target, ':authority': 'api' });
          let [code, text] = [0, ''];
          stream.setTimeout(timeLimit, () => stream.close());
          stream.on('response', (headers) => {
            code = Number(headers[':status']);
          });
          stream.setEncoding('utf8').on('data', (chunk: string) => {
            text += chunk;
          });
          stream.on('error', () => undefined);
          stream.on('close', () => resolve({ status: code, seen: code === 200 ? JSON.parse(text) : undefined }));
        });
        if (status === 200) assert.ok(isPublic(seen?.url ?? '/admin'), `${target} as ${seen?.url}`);
      }
    } finally {
      session.destroy();
    }
  });
}

test('a rule that denies by a header is met by any of several headers of its name', async () => {
  await decideBy('deny');
  for (const lines of doubledRoles) assert.equal((await send({ target: '/admin/x', lines })).status, 403, lines.join());
});

test('without such rules paths stay as they are', async () => {
  await world.controlPlane.delete({ type: 'MeshProxyPatch', mesh: 'default', name: 'by-path' });
  await waitFor('the rules are gone', async () => (await send({ target: '/admin/x', lines: [] })).status === 200);
  const { seen } = await send({ target: '/a%2Fb/../c//d', lines: ['x_role: any'] });
  assert.deepEqual([seen?.url, seen?.headers.x_role], ['/a%2Fb/../c//d', 'any']);
});
