// What a proxy's Envoy would be sent: the differences between the configurations that its watch hands over.
import type { EnvoyType } from '@ursa/envoy';
import type { ProxyConfig } from '../src/index.ts';
import type { World } from './world.ts';

/** Watches proxies and collects what is pushed to them, as `<proxy> + <type> <name>` (new or changed) and `<proxy> - …` (gone). */
export interface PushLog {
  /** What was pushed since the last call, sorted. */
  take(): readonly string[];
}

function changes(proxy: string, before: ProxyConfig | undefined, after: ProxyConfig | undefined): string[] {
  const types = Object.keys(after?.resources ?? before?.resources ?? {}) as EnvoyType[];
  return types.flatMap((type) => {
    const old = before?.resources[type] ?? new Map();
    const now = after?.resources[type] ?? new Map();
    const sent = [...now]
      .filter(([name, resource]) => old.get(name) !== resource)
      .map(([name]) => `${proxy} + ${type} ${name}`);
    const gone = [...old.keys()].filter((name) => !now.has(name)).map((name) => `${proxy} - ${type} ${name}`);
    return [...sent, ...gone];
  });
}

/** Connects proxies of one mesh and starts the log after their first configuration. */
export function logPushes(
  world: World,
  mesh: string,
  proxies: readonly string[],
  features?: readonly string[],
): PushLog {
  let pushed: string[] = [];
  for (const proxy of proxies) {
    const key = world.connect(mesh, proxy, features === undefined ? {} : { features });
    let current = world.engine.config.get(key);
    world.graph.watch(world.engine.config, [key], (config) => {
      pushed.push(...changes(proxy, current, config));
      current = config;
    });
  }
  return {
    take() {
      const taken = pushed.sort();
      pushed = [];
      return taken;
    },
  };
}
