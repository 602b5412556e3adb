// The policies of the bench's shape `policies1000`, and what is asked of the control plane while its proxies are idle.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Phase } from './bench-figures.ts';

const api = 'http://127.0.0.1:5681';
const mesh = 'bench';
const kindsPerService = 4;

async function send(method: string, path: string, body?: unknown): Promise<unknown> {
  const content =
    body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
  const response = await fetch(`${api}${path}`, { method, ...content });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
  return JSON.parse(text);
}

/** Confs of one service's policies by type; each of another kind. */
function confsOf(number: number): Readonly<Record<string, object>> {
  return {
    MeshTimeout: { http: { requestTimeout: `${number + 1}s` } },
    MeshRetry: { http: { numRetries: (number % 5) + 1 } },
    MeshCircuitBreaker: { connectionLimits: { maxConnections: number + 100 } },
    MeshHealthCheck: { interval: '30s', timeout: '5s', unhealthyThreshold: 3, healthyThreshold: 1, tcp: {} },
  };
}

const pluralOf = (type: string): string => `${type.toLowerCase()}s`.replace(/ys$/, 'ies');

/** Writes the mesh and so many policies of mixed kinds, each for the proxies of one of 50 services. */
export async function putPolicies(count: number): Promise<void> {
  await send('PUT', `/meshes/${mesh}`, { type: 'Mesh', name: mesh });
  for (let number = 0; number < count / kindsPerService; number += 1) {
    for (const [type, conf] of Object.entries(confsOf(number))) {
      const name = `p-${number}`;
      const tags = { 'kuma.io/service': `svc-${String(number % 50).padStart(3, '0')}` };
      await send('PUT', `/meshes/${mesh}/${pluralOf(type)}/${name}`, {
        type,
        mesh,
        name,
        spec: { targetRef: { kind: 'MeshSubset', tags }, to: [{ targetRef: { kind: 'Mesh' }, default: conf }] },
      });
    }
  }
}

/** Waits until so many proxies are configured, then asks for the rules of each and for diffs; gives a phase of its own for the report. */
export async function askWhileIdle(proxies: number): Promise<Phase> {
  for (;;) {
    const view = (await send('GET', `/meshes/${mesh}/_rollout?wait=1s&size=1`).catch(() => undefined)) as
      | { readonly done: boolean; readonly counts: { readonly total: number } }
      | undefined;
    if (view?.done === true && view.counts.total >= proxies) break;
    await sleep(200);
  }
  await sleep(2_000);
  const list = (await send('GET', `/meshes/${mesh}/dataplanes?size=1000`)) as {
    readonly items: readonly { readonly name: string }[];
  };
  const rules = await timed(
    list.items.map(
      ({ name }) =>
        () =>
          send('GET', `/meshes/${mesh}/dataplanes/${name}/_rules`),
    ),
  );
  const draft = (seconds: number) => ({
    type: 'MeshTimeout',
    mesh,
    name: 'wide',
    spec: {
      targetRef: { kind: 'Dataplane' },
      to: [{ targetRef: { kind: 'Mesh' }, default: { idleTimeout: `${seconds}s` } }],
    },
  });
  const diff = await timed(
    [61, 62, 63, 64, 65].map((seconds) => () => send('POST', '/_diff', { resources: [draft(seconds)] })),
  );
  return { Name: 'policies', Seconds: 0, CPCPU: 0, OtherCPU: 0, RSSMB: 0, Lat: { rules, diff } };
}

async function timed(steps: readonly (() => Promise<unknown>)[]) {
  const milliseconds: number[] = [];
  for (const step of steps) {
    const started = performance.now();
    await step();
    milliseconds.push(performance.now() - started);
  }
  milliseconds.sort((one, other) => one - other);
  const at = (share: number): number => milliseconds[Math.round(share * (milliseconds.length - 1))] ?? 0;
  return { P50: at(0.5), P99: at(0.99), Max: at(1) };
}
