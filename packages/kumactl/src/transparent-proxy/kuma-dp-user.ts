// The user that runs kuma-dp: traffic of its processes is Envoy's own, and is not redirected.
import { MeshError } from '@ursa/resources';
import type { TransparentProxyConfig } from '@ursa/transparent-proxy';
import type { Host } from './host.ts';

const usualUid = '5678';
const usualName = 'kuma-dp';
/** The one above it means nobody, to the kernel. */
const greatestUid = 4_294_967_294;

/** Its UID. Throws when it is a name that the host does not know, or when none is given and neither usual one exists. */
export function findKumaDpUser(host: Host, { kumaDpUser, cniMode }: TransparentProxyConfig): string {
  if (/^\d+$/.test(kumaDpUser)) {
    if (Number(kumaDpUser) <= greatestUid) return kumaDpUser;
    throw new MeshError(
      'invalid',
      `--kuma-dp-user: expected a UID up to ${greatestUid} or the name of a user, got "${kumaDpUser}"`,
    );
  }
  if (cniMode && kumaDpUser === '') return usualUid;
  if (kumaDpUser !== '') {
    const uid = uidOf(host, kumaDpUser);
    if (uid !== undefined) return uid;
    throw new MeshError(
      'not-found',
      `--kuma-dp-user: this host has no user "${kumaDpUser}"; make one ("useradd --system ${kumaDpUser}"), or give the UID of the user that runs kuma-dp`,
    );
  }
  const uid = uidOf(host, usualUid) ?? uidOf(host, usualName);
  if (uid !== undefined) return uid;
  throw new MeshError(
    'not-found',
    `--kuma-dp-user is not given, and this host has no user with UID ${usualUid} or named ${usualName}; make one ("useradd --system --uid ${usualUid} ${usualName}"), or name the user that runs kuma-dp`,
  );
}

/** By the system's own directory of users, which may be on another host; without getent, by the file. */
function uidOf(host: Host, user: string): string | undefined {
  const getent = host.find('getent');
  const lines = getent === undefined ? (host.read('/etc/passwd') ?? '') : host.run(getent, ['passwd', user]).stdout;
  const entries = lines.split('\n').map((line) => line.split(':'));
  return entries.find(([name, , uid]) => name === user || uid === user)?.[2];
}
