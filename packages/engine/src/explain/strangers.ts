// Proxies that cannot talk to each other because one of them speaks TLS only and the other has no certificate.
import type { Destination, ServiceTls } from '../destinations.ts';
import { inboundModes } from '../inbound-modes.ts';
import { type Finding, finding } from '../lint/finding.ts';
import { type ExplainParts, keyOfProxy } from './explain-parts.ts';
import { type Instance, nameOf } from './find-outbound.ts';

/** A call that has found its server. */
export interface Meeting {
  readonly server: Instance;
  readonly destination: Destination;
  readonly tls: ServiceTls | undefined;
  readonly identity: { readonly uris: readonly string[] } | undefined;
}

/** Why client and server do not come to a handshake; undefined when they do. */
export function strangersTo(parts: ExplainParts, meeting: Meeting): Finding | undefined {
  const { server, destination, tls, identity } = meeting;
  const { proxy, position } = server;
  const key = keyOfProxy(proxy);
  const serverTls = parts.proxyTls.get(proxy.mesh, key);
  const at = { type: 'Dataplane', mesh: proxy.mesh, name: proxy.name };
  const fix =
    'let a MeshIdentity select both proxies (spec.selector.dataplane.matchLabels), or enable a backend of the Mesh';
  if (tls !== undefined && serverTls === undefined) {
    const message = `the client has an identity and speaks mTLS only, and ${proxy.name} of ${nameOf(destination)} has none`;
    return finding('server-without-identity', message, fix, at);
  }
  if (tls !== undefined || identity !== undefined || serverTls === undefined) return undefined;
  const rules = parts.rules.ruleSets.get(key);
  const byDefault = parts.inboundDefaults.get(proxy.mesh, key);
  const { modes } = inboundModes(parts.policies, rules, byDefault, proxy.inbounds.length);
  if (modes[position] !== 'Strict') return undefined;
  const message = `${proxy.name} takes mTLS only, and the client has no identity`;
  return finding('client-without-identity', message, fix, at);
}
