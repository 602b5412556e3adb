// MeshTrafficPermission: which clients may reach an inbound. With mTLS on, whoever no policy lets in is turned away.
import { create } from '@bufbuild/protobuf';
import { httpFilter, inspectTls, networkFilter, pack, statName } from '@ursa/envoy';
import { RBACSchema as HttpRbacSchema } from '@ursa/envoy/gen/envoy/extensions/filters/http/rbac/v3/rbac_pb.ts';
import { RBACSchema as NetworkRbacSchema } from '@ursa/envoy/gen/envoy/extensions/filters/network/rbac/v3/rbac_pb.ts';
import { defineProxyPolicy, inboundMatch, inboundMatches, type Report } from '@ursa/policy';
import { closed, oneOf } from '@ursa/resources';
import { type Static, Type } from 'typebox';
import { authorize } from './authorize.ts';
import { trafficPermission } from './older-form.ts';
import { rbacFromRules } from './rbac-from-rules.ts';
import { rbacFromSubsets } from './rbac-from-subsets.ts';

const clients = (description: string) => Type.Optional(Type.Array(inboundMatch, { description }));

const fromConf = closed({ action: Type.Optional(oneOf('Allow', 'Deny', 'AllowWithShadowDeny')) });

const ruleConf = closed({
  deny: clients('Clients that are refused, whatever else is said of them.'),
  allow: clients('Clients that are let in.'),
  allowWithShadowDeny: clients('Clients that are let in, and counted as if they were refused.'),
});

export type PermissionRule = Static<typeof ruleConf>;

/** The policy. */
export const meshTrafficPermission = defineProxyPolicy({
  name: 'MeshTrafficPermission',
  shortName: 'mtp',
  guardsAccess: true,
  idle: {
    when: 'without-mtls',
    advice: 'enable a backend (mtls.enabledBackend of the Mesh), or create a MeshIdentity',
  },
  summary: 'Says which clients may reach a service.',
  targetRef: ['Mesh', 'Dataplane', 'MeshSubset', 'MeshService', 'MeshServiceSubset'],
  from: ['Mesh', 'MeshSubset', 'MeshService', 'MeshServiceSubset'],
  rules: inboundMatches,
  conf: fromConf,
  ruleConf,
  checkConf(conf, report) {
    if (conf.action === undefined) report.add('action', 'must be defined');
  },
  checkSpec: checkRules,
  authorize,
  fromAdvice: " and will be removed in 3.0, use 'rules' with MeshIdentity (spiffeId) instead",
  warn: ({ from = [] }: { from?: readonly { targetRef: { kind: string } }[] }) =>
    ['MeshService', 'MeshServiceSubset']
      .filter((kind) => from.some((entry) => entry.targetRef.kind === kind))
      .map(
        (kind) =>
          `${kind} value for 'from[].targetRef.kind' is deprecated, use MeshSubset with 'kuma.io/service' instead`,
      ),
  onEgress: 'clients',
  openOutside: { action: 'Allow' },
  older: trafficPermission,
  apply: {
    inboundRules(place, { rules, from, fromEntries }) {
      const { proxy, listener, authenticatedChains } = place;
      if (rules.some(({ conf }) => namesServers(conf))) inspectTls(listener);
      // A SPIFFE ID says nothing of tags, by which `from` tells clients apart.
      const decision =
        rules.length > 0 || proxy.workloadIdentity
          ? rbacFromRules(rules)
          : rbacFromSubsets(proxy.mesh, from, fromEntries);
      for (const chain of authenticatedChains) {
        if (chain.terminal.kind === 'http') {
          const filter = httpFilter('envoy.filters.http.rbac', pack(HttpRbacSchema, create(HttpRbacSchema, decision)));
          chain.terminal.httpFilters.push({ stage: 'authorization', filter });
        } else {
          // The dot parts the listener from "rbac.allowed" in the names of the statistics.
          const config = create(NetworkRbacSchema, { ...decision, statPrefix: `${statName(place.listenerName)}.` });
          const filter = networkFilter('envoy.filters.network.rbac', pack(NetworkRbacSchema, config));
          chain.networkFilters.push({ stage: 'authorization', filter });
        }
      }
    },
  },
});

function namesServers({ deny = [], allow = [], allowWithShadowDeny = [] }: PermissionRule): boolean {
  return [...deny, ...allow, ...allowWithShadowDeny].some(({ sni }) => sni !== undefined);
}

function checkRules(spec: { readonly rules?: readonly { readonly default?: PermissionRule }[] }, report: Report): void {
  for (const [index, { default: rule = {} }] of (spec.rules ?? []).entries()) {
    const at = report.at(`rules[${index}]`);
    const lists = ['allow', 'allowWithShadowDeny', 'deny'] as const;
    if (lists.every((list) => (rule[list] ?? []).length === 0)) {
      at.add('', "at least one of 'allow', 'allowWithShadowDeny', 'deny' has to be defined");
    }
    for (const list of lists) {
      for (const [position, match] of (rule[list] ?? []).entries()) checkMatch(match, at.at(`${list}[${position}]`));
    }
  }
}

const maximumDnsName = 253;
const dnsName = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

function checkMatch({ spiffeID, sni }: Static<typeof inboundMatch>, report: Report): void {
  if (spiffeID !== undefined && !isSpiffeId(spiffeID)) report.add('spiffeID.value', 'must be a valid Spiffe ID');
  if (sni === undefined) return;
  if (sni.value === '') report.add('sni.value', 'must be set');
  else if (sni.value.length > maximumDnsName || !dnsName.test(sni.value)) {
    report.add(
      'sni.value',
      "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
    );
  }
}

// SPIFFE ID, section 2: trust domain in lower case, path segments without dots alone; a prefix may end in the middle of one.
function isSpiffeId({ type, value }: { readonly type: string; readonly value: string }): boolean {
  const exact = /^spiffe:\/\/[a-z0-9._-]+(\/[a-zA-Z0-9._-]+)*$/;
  const prefix = /^spiffe:\/\/[a-z0-9._-]+(\/[a-zA-Z0-9._-]*)*$/;
  return (type === 'Exact' ? exact : prefix).test(value);
}
