// What the mesh says to a question, if it is one about the mesh. Pure.
import { type Answer, encode } from 'dns-packet';
import { canonicalName, type MeshNames } from './mesh-names.ts';
import type { Query } from './message.ts';

const ourUdpSize = 1232;
const [authoritative, recursionAvailable, recursionDesired] = [0x0400, 0x0080, 0x0100];

/**
 * The answer, or undefined when the question is not about the mesh. A name of the mesh has an answer for every type: none of an unknown type, and no
 * IPv6 addresses where IPv6 does not reach the proxy (`ipv6`), so that nobody waits for them.
 */
export function answerForMesh(query: Query, names: MeshNames, ipv6: boolean): Buffer | undefined {
  const answers = answersFor(query, names, ipv6);
  if (answers === undefined) return undefined;
  return encode({
    id: query.id,
    type: 'response',
    flags: authoritative | recursionAvailable | (query.recursionDesired ? recursionDesired : 0),
    questions: [{ name: query.name, type: query.type as Answer['type'] & 'A' }],
    answers: [...answers],
    additionals: query.hasEdns
      ? [
          {
            name: '.',
            type: 'OPT',
            udpPayloadSize: ourUdpSize,
            extendedRcode: 0,
            ednsVersion: 0,
            flags: 0,
            flag_do: false,
            options: [],
          },
        ]
      : [],
  });
}

function answersFor({ name, type }: Query, names: MeshNames, ipv6: boolean): readonly Answer[] | undefined {
  const { ttl } = names;
  const asked = canonicalName(name);
  const found = names.addressesOf(asked);
  if (found !== undefined) {
    const of4 = found.ipv4.map((data): Answer => ({ name, type: 'A', ttl, data }));
    const of6 = ipv6 ? found.ipv6.map((data): Answer => ({ name, type: 'AAAA', ttl, data })) : [];
    return [...(type === 'A' || type === 'ANY' ? of4 : []), ...(type === 'AAAA' || type === 'ANY' ? of6 : [])];
  }
  const owners = names.namesOf(asked);
  if (owners.length === 0) return undefined;
  return type === 'PTR' || type === 'ANY' ? owners.map((data): Answer => ({ name, type: 'PTR', ttl, data })) : [];
}
