// F14: policies that Envoy refuses: a patch, a log to a file that cannot be opened, and a port that is taken. The reason must be told, and proxies must come up again.
import { setTimeout as sleep } from 'node:timers/promises';
import { type ResourceDocument, resourcePath } from '../../examples/demo/control-plane.ts';
import { waitFor } from '../../examples/demo/wait-for.ts';
import type { ControlPlaneHost } from '../harness/control-plane.ts';
import { atMost, defineFault, reported } from '../harness/fault.ts';
import { describeLost } from '../harness/load.ts';
import { openWorld } from '../harness/world.ts';

const policy = (type: string, spec: object): ResourceDocument => ({ type, mesh: 'default', name: 'bad', spec });
const patchOf = (value: string): ResourceDocument =>
  policy('MeshProxyPatch', {
    targetRef: { kind: 'Mesh' },
    default: { appendModifications: [{ listener: { operation: 'Patch', match: { origin: 'outbound' }, value } }] },
  });
const routeOf = (match: object, filters: readonly object[]): ResourceDocument =>
  policy('MeshHTTPRoute', {
    targetRef: { kind: 'Mesh' },
    to: [
      {
        targetRef: { kind: 'MeshService', name: 'backend' },
        rules: [{ matches: [match], default: { filters } }],
      },
    ],
  });
const everything = { path: { type: 'PathPrefix', value: '/' } };
const header = {
  type: 'RequestHeaderModifier',
  requestHeaderModifier: { set: [{ name: 'x-stamp', value: '%NOPE%' }] },
};

const log = policy('MeshAccessLog', {
  targetRef: { kind: 'Mesh' },
  to: [
    {
      targetRef: { kind: 'MeshService', name: 'backend' },
      default: { backends: [{ type: 'File', file: { path: '/no-such-folder/requests.log' } }] },
    },
  ],
});

// What is refused at the door already never reaches a proxy.
const atTheDoor = [
  routeOf({ path: { type: 'RegularExpression', value: '/([a-z' } }, []),
  routeOf(everything, [header]),
];
const atTheProxy: Readonly<Record<string, ResourceDocument>> = {
  'bad patch': patchOf('address: { socketAddress: { address: not-an-address } }'),
  'bad log': log,
  'port clash': patchOf('address: { socketAddress: { address: 127.0.0.1, portValue: 8080 } }'),
};

async function reasonShown(controlPlane: ControlPlaneHost, bad: ResourceDocument): Promise<number | undefined> {
  const started = performance.now();
  return await waitFor(
    'the policy says why it is not in force',
    async () => {
      const { json } = await controlPlane.request('GET', resourcePath(bad));
      const { status } = json as { status?: { conditions?: readonly { readonly message?: string }[] } };
      return (status?.conditions?.[0]?.message ?? '') !== '' && (performance.now() - started) / 1000;
    },
    { within: 15_000 },
  ).catch(() => undefined);
}

/** The fault. */
export const fault = defineFault({
  id: 'F14',
  title:
    'configuration that Envoy refuses: patch, regular expression, header, access log, port clash; clients restart meanwhile',
  how: 'policies applied, with the check by a real Envoy at the write switched off',
  pace: 'ci',
  async run(context) {
    const world = await openWorld(context, { environment: { KUMA_POLICIES_ENVOY_VALIDATION_ENABLED: 'false' } });
    const { controlPlane, client } = world;
    let accepted = 0;
    for (const bad of atTheDoor) {
      const { status } = await controlPlane.request('PUT', resourcePath(bad), bad);
      if (status < 300) accepted += 1;
    }
    let slowest: number | undefined = 0;
    let lost = 0;
    let afterRestart = 0;
    for (const [what, bad] of Object.entries(atTheProxy)) {
      const load = await world.load();
      await controlPlane.apply(bad);
      const seconds = await reasonShown(controlPlane, bad);
      context.say(`${what}: reason shown after ${seconds?.toFixed(2)} s`);
      slowest = seconds === undefined || slowest === undefined ? undefined : Math.max(slowest, seconds);
      await sleep(1000);
      const report = await load.stop();
      context.say(`${what}: ${report.sent} requests; ${describeLost(report)}`);
      lost += report.lost.length + report.streamBreaks.length;
      await client.killProxy();
      await client.start();
      const restarted = await world.load().catch(() => undefined);
      await sleep(3000);
      const after = await restarted?.stop();
      context.say(
        `${what}: after the restart ${after?.sent ?? 0} requests; ${after === undefined ? 'none answered' : describeLost(after)}`,
      );
      afterRestart += after === undefined ? 1 : after.lost.length + after.streamBreaks.length;
      await controlPlane.delete(bad);
      await sleep(500);
    }
    return [
      atMost(0, 'accepted although it can never work', accepted),
      atMost(2, 'reason shown after', slowest, 's'),
      atMost(0, 'requests lost', lost),
      atMost(0, 'requests lost after a restart of the proxy', afterRestart),
      reported('kinds of refusal', Object.keys(atTheProxy).length + atTheDoor.length),
    ];
  },
});
