// Modifications of filters of a listener: network filters of its chains, HTTP filters of its connection managers, virtual hosts of their routes.
import { clone, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { Any } from '@bufbuild/protobuf/wkt';
import { type Filter, FilterSchema } from '@ursa/envoy/gen/envoy/config/listener/v3/listener_components_pb.ts';
import type { Listener } from '@ursa/envoy/gen/envoy/config/listener/v3/listener_pb.ts';
import { VirtualHostSchema } from '@ursa/envoy/gen/envoy/config/route/v3/route_components_pb.ts';
import {
  type HttpConnectionManager,
  HttpConnectionManagerSchema,
  type HttpFilter,
  HttpFilterSchema,
} from '@ursa/envoy/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts';
import { valueFrom } from './envoy-value.ts';
import { patched, patchedConfig } from './patch-message.ts';
import type { FilterChange, VirtualHostChange } from './proxy-patch-conf.ts';

const managerFilter = 'envoy.filters.network.http_connection_manager';

/** A filter of either kind. */
interface AnyFilter {
  name: string;
  configType: { case: 'typedConfig'; value: Any } | { case: string | undefined };
}

function configOf({ configType }: AnyFilter): Any | undefined {
  return configType.case === 'typedConfig' && 'value' in configType ? configType.value : undefined;
}

/** Changes a list of filters. `create` gives the filter of the modification, a fresh one each time. */
function changeFilters<Item extends AnyFilter>(filters: Item[], change: FilterChange, create: () => Item): void {
  const { operation, match, jsonPatches = [] } = change;
  const matches = (filter: Item) => match?.name === undefined || match.name === filter.name;
  if (operation === 'Remove') {
    filters.splice(0, filters.length, ...filters.filter((filter) => !matches(filter)));
  } else if (operation === 'Patch') {
    for (const filter of filters.filter(matches)) {
      const config = patchedConfig(configOf(filter), jsonPatches, () => configOf(create()));
      if (config !== undefined) filter.configType = { case: 'typedConfig', value: config };
    }
  } else if (operation === 'AddFirst') filters.unshift(create());
  else if (operation === 'AddLast') filters.push(create());
  else {
    const position = filters.findIndex(({ name }) => name === match?.name);
    if (position >= 0) filters.splice(operation === 'AddBefore' ? position : position + 1, 0, create());
  }
}

/** Changes the network filters of every chain. */
export function changeNetworkFilters(listener: Listener, change: FilterChange): void {
  const create = (): Filter => clone(FilterSchema, valueFrom('networkFilter', change));
  for (const chain of listener.filterChains) changeFilters<Filter & AnyFilter>(chain.filters, change, create);
}

/** Opens every connection manager, and packs it again. */
export function eachManager(listener: Listener, change: (manager: HttpConnectionManager) => void): void {
  for (const { name, configType } of listener.filterChains.flatMap(({ filters }) => filters)) {
    if (name !== managerFilter || configType.case !== 'typedConfig') continue;
    const manager = fromBinary(HttpConnectionManagerSchema, configType.value.value);
    change(manager);
    configType.value = { ...configType.value, value: toBinary(HttpConnectionManagerSchema, manager) };
  }
}

/** Changes the HTTP filters of every connection manager. */
export function changeHttpFilters(listener: Listener, change: FilterChange): void {
  const create = (): HttpFilter => clone(HttpFilterSchema, valueFrom('httpFilter', change));
  eachManager(listener, ({ httpFilters }) => changeFilters<HttpFilter & AnyFilter>(httpFilters, change, create));
}

/** Changes the virtual hosts of every connection manager with routes of its own. */
export function changeVirtualHosts(listener: Listener, change: VirtualHostChange): void {
  const { operation, match, jsonPatches = [] } = change;
  const value = () => valueFrom('virtualHost', change);
  eachManager(listener, ({ routeSpecifier }) => {
    if (routeSpecifier.case !== 'routeConfig') return;
    const routes = routeSpecifier.value;
    const wanted = match.routeConfigurationName;
    if (wanted !== undefined && wanted !== routes.name) return;
    const matches = ({ name }: { readonly name: string }) => match.name === undefined || match.name === name;
    if (operation === 'Add') routes.virtualHosts.push(clone(VirtualHostSchema, value()));
    else if (operation === 'Remove') routes.virtualHosts = routes.virtualHosts.filter((host) => !matches(host));
    else {
      routes.virtualHosts = routes.virtualHosts.map((host) =>
        matches(host) ? patched(VirtualHostSchema, host, jsonPatches, value) : host,
      );
    }
  });
}
