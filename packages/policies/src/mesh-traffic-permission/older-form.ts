// TrafficPermission, the older form: clients are told by the tags in their certificates, and the most specific permission of a place lets in its
// sources and nobody else.
import { create } from '@bufbuild/protobuf';
import { networkFilter, pack, statName } from '@ursa/envoy';
import { type Principal, PrincipalSchema } from '@ursa/envoy/gen/envoy/config/rbac/v3/rbac_pb.ts';
import { RBACSchema } from '@ursa/envoy/gen/envoy/extensions/filters/network/rbac/v3/rbac_pb.ts';
import type { OlderForm } from '@ursa/policy';
import { tagNames } from '@ursa/resources';

type Tags = Readonly<Record<string, string>>;

/** What a certificate must name for one tag; undefined where any certificate does. */
interface Name {
  readonly how: 'exact' | 'prefix';
  readonly value: string;
}

function namesOf(mesh: string, source: Tags): readonly Name[] {
  return Object.entries(source)
    .sort(([first], [second]) => (first < second ? -1 : 1))
    .flatMap(([key, value]): Name[] => {
      // Every proxy has a service.
      if (key === tagNames.service) return value === '*' ? [] : [{ how: 'exact', value: `spiffe://${mesh}/${value}` }];
      return [
        value === '*' ? { how: 'prefix', value: `kuma://${key}/` } : { how: 'exact', value: `kuma://${key}/${value}` },
      ];
    });
}

function principalOf(names: readonly Name[]): Principal {
  const [first, ...others] = names.map(({ how, value }) =>
    create(PrincipalSchema, {
      identifier: { case: 'authenticated', value: { principalName: { matchPattern: { case: how, value } } } },
    }),
  );
  if (first === undefined) return create(PrincipalSchema, { identifier: { case: 'any', value: true } });
  if (others.length === 0) return first;
  return create(PrincipalSchema, { identifier: { case: 'andIds', value: { ids: [first, ...others] } } });
}

/** The form, with what it does at inbounds and for ExternalServices on a zone egress. */
export const trafficPermission: OlderForm = {
  type: 'TrafficPermission',
  apply({ authenticatedChains }, { head, sources }, statistics) {
    const principals = sources.map((source) => principalOf(namesOf(head.mesh, source)));
    const permissions = [{ rule: { case: 'any' as const, value: true } }];
    // Envoy reports the name of the policy that decided. The dot parts the place from "rbac.allowed" in the names of the statistics.
    const config = create(RBACSchema, {
      rules: { policies: { [head.name]: { permissions, principals } } },
      statPrefix: `${statName(statistics)}.`,
    });
    const filter = networkFilter('envoy.filters.network.rbac', pack(RBACSchema, config));
    for (const chain of authenticatedChains) chain.networkFilters.push({ stage: 'authorization', filter });
  },
  authorize: ({ uris }, { head, sources }) =>
    sources.some((source) =>
      namesOf(head.mesh, source).every(({ how, value }) =>
        uris.some((uri) => (how === 'exact' ? uri === value : uri.startsWith(value))),
      ),
    ),
};
