// The channel to kuma-dp (feature C18): documents served by Envoy itself on a Unix socket, with entity tags, so that polling costs nothing.
import { create } from '@bufbuild/protobuf';
import {
  buildListener,
  type EnvoyNames,
  type EnvoyResource,
  encodeResource,
  httpChain,
  listenerDraft,
  pipeAddress,
  routeConfiguration,
  sha256Hex,
} from '@ursa/envoy';
import { type Route, RouteSchema } from '@ursa/envoy/gen/envoy/config/route/v3/route_components_pb.ts';
import type { DynamicDocument } from '@ursa/policy';
import { labelNames } from '@ursa/resources';
import type { DataplaneFacts } from '../dataplane-facts.ts';
import type { DnsRecord } from '../outbounds.ts';
import { virtualIpv6 } from '../virtual-ipv6.ts';

/** Seconds for which a host may remember an answer. */
export const dnsTtl = 30;

/** Names and addresses as JSON, and what that text is known by. Apart from the document: proxies of all workloads have them in common. */
export interface DnsRecordsText {
  readonly text: string;
  readonly hash: string;
}

/** Writes the records. */
export function dnsRecordsText(records: readonly DnsRecord[]): DnsRecordsText {
  const text = JSON.stringify(
    records.map(({ name, addresses }) => ({ name, ips: addresses.flatMap((ip) => [ip, virtualIpv6(ip)]) })),
  );
  return { text, hash: sha256Hex(text) };
}

/** Labels, as JSON, that metrics of a proxy's DNS have: equal for the proxies of a workload. */
export function dnsLabels({ labels, mesh }: Pick<DataplaneFacts, 'labels' | 'mesh'>, zone: string): string {
  const namespace = labels[labelNames.namespace] ?? '';
  const workload = labels[labelNames.workload] ?? '';
  return JSON.stringify({
    ...(namespace === '' ? {} : { k8s_kuma_io_namespace: namespace }),
    kuma_io_zone: zone,
    ...(workload === '' ? {} : { kuma_workload: workload }),
    mesh,
  });
}

/** The `/dns` document: what kuma-dp's DNS server answers. */
export function dnsDocument({ text, hash }: DnsRecordsText, labels: string): DynamicDocument {
  const body = `{"records":${text},"ttl":${dnsTtl},"extraLabels":${labels}}`;
  return { path: '/dns', body, tag: sha256Hex(`${hash}${labels}`) };
}

function documentRoutes({ path, body, tag = sha256Hex(body) }: DynamicDocument, names: EnvoyNames): Route[] {
  const pathSpecifier = { case: 'path', value: path } as const;
  return [
    create(RouteSchema, {
      name: names.dynamicConfigNotModified(path),
      match: {
        pathSpecifier,
        headers: [
          {
            name: 'If-None-Match',
            headerMatchSpecifier: { case: 'stringMatch', value: { matchPattern: { case: 'exact', value: tag } } },
          },
        ],
      },
      action: { case: 'directResponse', value: { status: 304 } },
    }),
    create(RouteSchema, {
      name: names.dynamicConfigRoute(path),
      match: { pathSpecifier },
      responseHeadersToAdd: [{ header: { key: 'Etag', value: tag } }],
      action: {
        case: 'directResponse',
        value: { status: 200, body: { specifier: { case: 'inlineString', value: body } } },
      },
    }),
  ];
}

/** The listener that serves the documents. `workdir` is kuma-dp's. */
export function dynamicConfigListener(
  documents: readonly DynamicDocument[],
  workdir: string,
  names: EnvoyNames,
): EnvoyResource {
  const routes = routeConfiguration({
    virtualHost: names.dynamicConfig,
    routes: documents.flatMap((document) => documentRoutes(document, names)),
  });
  delete routes.validateClusters;
  routes.maxDirectResponseBodySizeBytes = Math.max(
    4096,
    ...documents.map(({ body }) => new TextEncoder().encode(body).length),
  );
  const draft = listenerDraft({
    name: names.dynamicConfig,
    ...(names.unified ? { statPrefix: names.dynamicConfig } : {}),
    address: pipeAddress(`${workdir}/kuma-mesh-metric-config.sock`),
    chains: [httpChain(names.dynamicConfig, routes, { trusted: 'local' })],
  });
  return encodeResource('listener', buildListener(draft), 'dynamic-config');
}
