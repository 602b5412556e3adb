// A finding: something in a mesh that will not do what its author wanted. Lint lists them, explain shows those that concern a request.
import type { ResourceKey } from '@ursa/resources';

/** What each code means and what to do about it; also the reference page. */
export const findingCodes = {
  invalid: ['error', 'The document breaks a rule of its type, and the control plane refuses it.'],
  'duplicate-resource': ['error', 'Two documents describe the same resource; the later one wins.'],
  'mesh-missing': ['error', 'The resource names a mesh that does not exist.'],
  'selects-nothing': ['warning', "The policy's top-level targetRef selects no proxy."],
  'destination-missing': ['warning', 'An entry of `to` names a destination that does not exist.'],
  'client-missing': ['warning', 'An entry of `from` names a service that no proxy serves.'],
  'backend-missing': ['error', 'A route sends traffic to a backend that does not exist.'],
  'route-overridden': ['warning', 'Another route with the same matches wins, so this one gets no traffic.'],
  'route-unreachable': ['warning', 'An earlier route takes all the traffic that this one is for.'],
  'wrong-protocol': ['warning', 'The conf needs another protocol than that of the traffic it applies to.'],
  'no-effect': ['note', 'Without this policy every proxy would have the same configuration.'],
  overridden: ['warning', 'Stronger policies override everything that this one says.'],
  shadow: ['note', 'The policy has the label kuma.io/effect: shadow, so it is shown in what-if answers only.'],
  'entry-shadowed': [
    'warning',
    'A stronger entry of `from` selects the clients of this one and more, and decides otherwise.',
  ],
  'permission-missing': [
    'error',
    'With mTLS on, nothing lets clients reach this inbound or ExternalService: all are refused.',
  ],
  'server-without-identity': ['error', 'A client with an identity cannot reach a server without one.'],
  'client-without-identity': ['error', 'A client without an identity cannot reach a server that takes mTLS only.'],
  'permission-without-mtls': ['error', 'Permissions are not enforced without mTLS.'],
  'older-policy': ['warning', 'A policy of the older kind, with sources and destinations, has no effect.'],
  'service-selects-nothing': ['warning', 'A MeshService selects no inbound of any proxy.'],
  'instance-without-port': [
    'warning',
    'A proxy that a MeshService selects has no inbound for one of its ports, so it gets no requests there.',
  ],
  'address-conflict': ['error', 'Two proxies claim the same address and port.'],
  'unhealthy-config': ['error', "A proxy's configuration has a problem; the message is the engine's."],
  doubtful: ['warning', 'A field is accepted and will not do what its author may think.'],
  deprecated: ['note', 'A form that will go away.'],
  'client-not-in-mesh': ['error', 'The client is no proxy of this mesh.'],
  'unknown-destination': ['error', 'There is no such service or proxy in the mesh.'],
  'no-outbound': ['error', 'The client has no outbound to the destination.'],
  'not-reachable': [
    'error',
    "The destination is not among the client's reachable services or backends, or does not let it in.",
  ],
  'reachable-missing': ['warning', 'A list of reachable services or backends names something that is not there.'],
  'reaches-nothing': ['note', 'Outbounds follow from permissions, and nothing lets this proxy in.'],
  'wrong-port': ['error', 'The destination is reached at another port.'],
  'no-route': ['error', 'No route takes this request.'],
  'not-evaluated': ['warning', 'A regular expression was not tried here.'],
  'no-way-out': ['error', 'Traffic to a service outside of the mesh cannot get there.'],
  'priority-without-check': [
    'warning',
    'Servers outside of the mesh have priorities, and nothing finds out that one is away.',
  ],
  'not-checked': ['warning', 'The certificate of a server outside of the mesh, or its name, is not checked.'],
  'no-endpoints': ['error', 'Nothing that could answer is there or ready.'],
  'endpoint-not-ready': ['warning', 'An endpoint of the destination gets no requests now.'],
  'proxy-offline': ['warning', 'The proxy is not connected, so it has no configuration now.'],
  'held-back': ['error', 'Envoy refused what the policy makes, or nothing can be made of it, so it is held back.'],
  refused: ['error', 'A permission policy refuses the client.'],
  'not-permitted': ['error', 'No permission policy lets the client in.'],
} as const satisfies Readonly<Record<string, readonly [severity: 'error' | 'warning' | 'note', summary: string]>>;

/** Code of a finding. */
export type FindingCode = keyof typeof findingCodes;

/** One finding. */
export interface Finding {
  readonly code: FindingCode;
  readonly severity: 'error' | 'warning' | 'note';
  /** What is wrong, with the names of what is concerned. */
  readonly message: string;
  /** What to do. */
  readonly fix: string;
  /** Where it is to be done; `field` is a path in that resource, '' for the whole of it. */
  readonly resource?: ResourceKey;
  readonly field?: string;
}

/** Makes a finding; its severity is that of its code. */
export function finding(code: FindingCode, message: string, fix: string, at?: ResourceKey, field = ''): Finding {
  const place = at === undefined ? {} : { resource: { type: at.type, mesh: at.mesh, name: at.name }, field };
  return { code, severity: findingCodes[code][0], message, fix, ...place };
}
