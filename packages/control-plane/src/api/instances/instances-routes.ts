// GET /_instances: the instances of this control plane, which of them leads, and how many proxies each has.
import { Type } from 'typebox';
import type { Instances, KnownInstance } from '../../instances/instances.ts';
import { formatJson } from '../http/json-text.ts';
import type { Route } from '../http/route.ts';

const schema = Type.Object(
  {
    total: Type.Integer(),
    items: Type.Array(
      Type.Object({
        id: Type.String(),
        hostname: Type.String(),
        address: Type.String(),
        version: Type.String(),
        startTime: Type.String(),
        status: Type.Enum(['Online', 'Offline']),
        leader: Type.Boolean(),
        proxies: Type.Integer(),
        lastSeen: Type.String(),
      }),
    ),
  },
  { title: 'Instances' },
);

/** The endpoint. */
export function instancesRoutes(instances: Instances, now: () => Date): readonly Route[] {
  const format = (each: KnownInstance): unknown => {
    const { id, hostname, address, port, version, startTime, leader, proxies, silence } = each;
    const isLiving = instances.isLiving(each);
    return {
      id,
      hostname,
      address: port === 0 ? address : `${address.includes(':') ? `[${address}]` : address}:${port}`,
      version,
      startTime,
      status: isLiving ? 'Online' : 'Offline',
      leader: leader && isLiving,
      proxies: isLiving ? proxies : 0,
      lastSeen: new Date(now().getTime() - silence).toISOString(),
    };
  };
  return [
    {
      method: 'GET',
      path: '/_instances',
      tag: 'Discovery',
      summary: 'The instances of this control plane',
      answers: { 200: schema },
      handle: () => {
        const items = instances.list().map(format);
        return { status: 200, body: formatJson({ total: items.length, items }) };
      },
    },
  ];
}
