// How an instance is asked: over HTTP, gRPC or TCP, by the protocol of its service.
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { Protocol } from '@ursa/envoy';
import {
  HeaderValueOption_HeaderAppendAction as AppendAction,
  type HeaderValueOptionSchema,
} from '@ursa/envoy/gen/envoy/config/core/v3/base_pb.ts';
import {
  HealthCheck_GrpcHealthCheckSchema as GrpcHealthCheckSchema,
  type HealthCheck,
  HealthCheck_HttpHealthCheckSchema as HttpHealthCheckSchema,
  type HealthCheck_PayloadSchema as PayloadSchema,
  HealthCheck_TcpHealthCheckSchema as TcpHealthCheckSchema,
} from '@ursa/envoy/gen/envoy/config/core/v3/health_check_pb.ts';
import { CodecClientType } from '@ursa/envoy/gen/envoy/type/v3/http_pb.ts';
import type { GrpcCheckConf, HealthCheckConf, HttpCheckConf, TcpCheckConf } from './health-check-conf.ts';

type Checker = HealthCheck['healthChecker'];
type Tags = Readonly<Record<string, string>>;
type HeaderInit = MessageInitShape<typeof HeaderValueOptionSchema>;

/**
 * How instances of a service are asked; undefined when the conf has nothing for its protocol. HTTP and gRPC services are asked over
 * TCP only where their own check is disabled: a check for TCP services must not make do for them by accident.
 */
export function healthChecker(
  { http, grpc, tcp }: HealthCheckConf,
  protocol: Protocol,
  tags: Tags,
): Checker | undefined {
  switch (protocol) {
    case 'http':
    case 'http2':
      if (http === undefined) return undefined;
      return http.disabled === true ? tcpChecker(tcp) : httpChecker(http, protocol, tags);
    case 'grpc':
      if (grpc === undefined) return undefined;
      return grpc.disabled === true ? tcpChecker(tcp) : grpcChecker(grpc);
    case 'tcp':
    case 'unknown':
      return tcpChecker(tcp);
    default:
      return undefined;
  }
}

function httpChecker(conf: HttpCheckConf, protocol: 'http' | 'http2', tags: Tags): Checker {
  const { path = '/', requestHeadersToAdd, expectedStatuses = [] } = conf;
  const value = create(HttpHealthCheckSchema, {
    path,
    // Envoy's ranges end before `end`.
    expectedStatuses: expectedStatuses.map((status) => ({ start: BigInt(status), end: BigInt(status + 1) })),
    requestHeadersToAdd: [...callerHeader(tags), ...headers(requestHeadersToAdd)],
    codecClientType: protocol === 'http2' ? CodecClientType.HTTP2 : CodecClientType.HTTP1,
  });
  return { case: 'httpHealthCheck', value };
}

// Tells the application who asks. Checks go past the routes, so no route can add it.
function callerHeader(tags: Tags): HeaderInit[] {
  const sorted = Object.entries(tags).sort(([first], [second]) => (first < second ? -1 : 1));
  if (sorted.length === 0) return [];
  const value = sorted.map(([key, values]) => `&${key}=${values}&`).join('');
  return [{ header: { key: 'x-kuma-tags', value } }];
}

function headers({ add = [], set = [] }: NonNullable<HttpCheckConf['requestHeadersToAdd']> = {}): HeaderInit[] {
  const added = add.map(({ name, value }) => ({ header: { key: name, value } }));
  const replaced = set.map(({ name, value }) => ({
    header: { key: name, value },
    appendAction: AppendAction.OVERWRITE_IF_EXISTS_OR_ADD,
  }));
  return [...added, ...replaced];
}

function grpcChecker({ serviceName = '', authority = '' }: GrpcCheckConf): Checker {
  return { case: 'grpcHealthCheck', value: create(GrpcHealthCheckSchema, { serviceName, authority }) };
}

function tcpChecker(conf: TcpCheckConf | undefined): Checker | undefined {
  if (conf === undefined || conf.disabled === true) return undefined;
  const { send, receive = [] } = conf;
  const value = create(TcpHealthCheckSchema, {
    // Envoy takes no empty text; nothing is sent, and nothing waited for, without one.
    ...(send === undefined || send === '' ? {} : { send: payload(send) }),
    receive: receive.filter((text) => text !== '').map(payload),
  });
  return { case: 'tcpHealthCheck', value };
}

// Envoy takes hexadecimal digits. What is written is sent byte for byte, as with the peers.
function payload(text: string): MessageInitShape<typeof PayloadSchema> {
  const digits = [...new TextEncoder().encode(text)].map((byte) => byte.toString(16).padStart(2, '0'));
  return { payload: { case: 'text', value: digits.join('') } };
}
