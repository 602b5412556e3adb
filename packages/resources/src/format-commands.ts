// The commands that formats can hold, as Envoy 1.40 has them, and what may stand in their parentheses. A slow test shows all of them to Envoy.

/** What goes with a command: parentheses, and the number of characters that count. */
export type CommandForm = (typeof forms)[number][0];

const forms = [
  [
    'alone',
    `
    ACCESS_LOG_TYPE BYTES_RECEIVED BYTES_RETRANSMITTED BYTES_SENT CONNECTION_ID CONNECTION_TERMINATION_DETAILS CUSTOM_FLAGS DOWNSTREAM_CX_RTT
    DOWNSTREAM_DECOMPRESSED_HEADER_BYTES_RECEIVED DOWNSTREAM_DECOMPRESSED_HEADER_BYTES_SENT DOWNSTREAM_DETECTED_CLOSE_TYPE
    DOWNSTREAM_DIRECT_LOCAL_ADDRESS DOWNSTREAM_DIRECT_LOCAL_ADDRESS_ENDPOINT_ID DOWNSTREAM_DIRECT_LOCAL_PORT DOWNSTREAM_DIRECT_REMOTE_ADDRESS
    DOWNSTREAM_DIRECT_REMOTE_PORT DOWNSTREAM_HANDSHAKE_DURATION DOWNSTREAM_HEADER_BYTES_RECEIVED DOWNSTREAM_HEADER_BYTES_SENT DOWNSTREAM_LOCAL_ADDRESS
    DOWNSTREAM_LOCAL_ADDRESS_ENDPOINT_ID DOWNSTREAM_LOCAL_CLOSE_REASON DOWNSTREAM_LOCAL_DNS_SAN DOWNSTREAM_LOCAL_EMAIL_SAN DOWNSTREAM_LOCAL_IP_SAN
    DOWNSTREAM_LOCAL_OTHERNAME_SAN DOWNSTREAM_LOCAL_PORT DOWNSTREAM_LOCAL_SUBJECT DOWNSTREAM_LOCAL_URI_SAN DOWNSTREAM_PEER_CERT
    DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_1 DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_256 DOWNSTREAM_PEER_CHAIN_SERIALS DOWNSTREAM_PEER_DNS_SAN
    DOWNSTREAM_PEER_EMAIL_SAN DOWNSTREAM_PEER_FINGERPRINT_1 DOWNSTREAM_PEER_FINGERPRINT_256 DOWNSTREAM_PEER_IP_SAN DOWNSTREAM_PEER_ISSUER
    DOWNSTREAM_PEER_ISSUER_FINGERPRINT_256 DOWNSTREAM_PEER_ISSUER_SERIAL DOWNSTREAM_PEER_OTHERNAME_SAN DOWNSTREAM_PEER_SERIAL DOWNSTREAM_PEER_SUBJECT
    DOWNSTREAM_PEER_URI_SAN DOWNSTREAM_REMOTE_ADDRESS DOWNSTREAM_REMOTE_PORT DOWNSTREAM_TLS_CIPHER DOWNSTREAM_TLS_GROUP DOWNSTREAM_TLS_SESSION_ID
    DOWNSTREAM_TLS_VERSION DOWNSTREAM_TRANSPORT_FAILURE_REASON DOWNSTREAM_WIRE_BYTES_RECEIVED DOWNSTREAM_WIRE_BYTES_SENT DURATION FILTER_CHAIN_NAME
    GRPC_STATUS_NUMBER HOSTNAME LISTENER_NAME LOCAL_REPLY_BODY PACKETS_RETRANSMITTED PROTOCOL REQUESTED_SERVER_NAME REQUEST_DURATION
    REQUEST_HEADERS_BYTES REQUEST_TX_DURATION RESPONSE_CODE RESPONSE_DURATION RESPONSE_FLAGS RESPONSE_FLAGS_LONG RESPONSE_HEADERS_BYTES
    RESPONSE_TRAILERS_BYTES RESPONSE_TX_DURATION ROUNDTRIP_DURATION ROUTE_NAME ROUTE_RESOLUTION_COUNT ROUTE_RESOLUTION_TIME_US SPAN_ID STREAM_ID
    TLS_JA3_FINGERPRINT TLS_JA4_FINGERPRINT TRACE_ID UNIQUE_ID UPSTREAM_CLUSTER UPSTREAM_CLUSTER_RAW UPSTREAM_CONNECTION_ID
    UPSTREAM_CONNECTION_IDS_ATTEMPTED UPSTREAM_CONNECTION_POOL_READY_DURATION UPSTREAM_DECOMPRESSED_HEADER_BYTES_RECEIVED
    UPSTREAM_DECOMPRESSED_HEADER_BYTES_SENT UPSTREAM_DETECTED_CLOSE_TYPE UPSTREAM_HEADER_BYTES_RECEIVED UPSTREAM_HEADER_BYTES_SENT UPSTREAM_HOST
    UPSTREAM_HOSTS_ATTEMPTED UPSTREAM_HOSTS_ATTEMPTED_WITHOUT_PORT UPSTREAM_HOST_NAME UPSTREAM_HOST_NAMES_ATTEMPTED
    UPSTREAM_HOST_NAMES_ATTEMPTED_WITHOUT_PORT UPSTREAM_HOST_NAME_WITHOUT_PORT UPSTREAM_LOCAL_ADDRESS UPSTREAM_LOCAL_CLOSE_REASON
    UPSTREAM_LOCAL_DNS_SAN UPSTREAM_LOCAL_IP_SAN UPSTREAM_LOCAL_PORT UPSTREAM_LOCAL_URI_SAN UPSTREAM_PEER_CERT UPSTREAM_PEER_DNS_SAN
    UPSTREAM_PEER_IP_SAN UPSTREAM_PEER_ISSUER UPSTREAM_PEER_SUBJECT UPSTREAM_PEER_URI_SAN UPSTREAM_PROTOCOL UPSTREAM_REMOTE_ADDRESS
    UPSTREAM_REMOTE_ADDRESS_ENDPOINT_ID UPSTREAM_REMOTE_PORT UPSTREAM_REQUEST_ATTEMPT_COUNT UPSTREAM_SERVER_NAME UPSTREAM_TLS_CIPHER
    UPSTREAM_TLS_GROUP UPSTREAM_TLS_SESSION_ID UPSTREAM_TLS_VERSION UPSTREAM_TRANSPORT_FAILURE_REASON UPSTREAM_WIRE_BYTES_RECEIVED
    UPSTREAM_WIRE_BYTES_SENT VIRTUAL_CLUSTER_NAME`,
  ],
  [
    'may have an argument',
    `
    DOWNSTREAM_DIRECT_LOCAL_ADDRESS_WITHOUT_PORT DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT
    DOWNSTREAM_PEER_CERT_V_END DOWNSTREAM_PEER_CERT_V_START DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT EMIT_TIME EMIT_TIME_LOCAL GRPC_STATUS
    RESPONSE_CODE_DETAILS START_TIME START_TIME_LOCAL UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT UPSTREAM_PEER_CERT_V_END UPSTREAM_PEER_CERT_V_START
    UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT`,
  ],
  ['may have an argument and a length', 'PATH QUERY_PARAMS'],
  ['has an argument', 'CLUSTER_METADATA COMMON_DURATION UPSTREAM_METADATA'],
  [
    'has an argument, may have a length',
    `
    CEL COALESCE DYNAMIC_METADATA ENVIRONMENT FILTER_STATE METADATA QUERY_PARAM REQ REQUEST_HEADER RESP RESPONSE_HEADER RESPONSE_TRAILER
    STREAM_INFO_REQ TRAILER UPSTREAM_FILTER_STATE`,
  ],
] as const;

/** All commands. */
export const formatCommands: ReadonlyMap<string, CommandForm> = new Map(
  forms.flatMap(([form, names]) =>
    names
      .trim()
      .split(/\s+/)
      .map((name) => [name, form] as const),
  ),
);

/** Says what is wrong with an argument; undefined when nothing is. */
export type ArgumentCheck = (argument: string) => string | undefined;

const oneOf = (allowed: readonly string[], given: string | undefined): string | undefined =>
  given === undefined || given === '' || allowed.includes(given)
    ? undefined
    : `${given} is none of ${allowed.join(', ')}`;

// A colon stands before the names of what HTTP/2 sends in place of a request line.
const headerName = /^(?::?[A-Za-z0-9!#$%&'*+\-.^_`|~]+)?$/;

const header: ArgumentCheck = (argument) => {
  const names = argument.split('?');
  if (names.length > 2) return 'one header can stand in for another, and no third one';
  const wrong = names.find((name) => !headerName.test(name));
  return wrong === undefined ? undefined : `${JSON.stringify(wrong)} is not the name of a header`;
};

const time: ArgumentCheck = (argument) =>
  /%[-_0^#]*[1-9]*[EO]?n/.test(argument) ? 'a time must not have line breaks in it' : undefined;

const filterState: ArgumentCheck = (argument) => {
  const [key, form = '', field = ''] = argument.split(':');
  if (key === '') return 'the key is missing';
  const forms = ['PLAIN', 'TYPED', 'FIELD'];
  if (form !== '' && !forms.includes(form)) return `${form} is none of ${forms.join(', ')}`;
  return (form === 'FIELD') === (field !== '')
    ? undefined
    : 'FIELD is followed by the name of a field, and nothing else is';
};

const duration: ArgumentCheck = (argument) => {
  const [, to, unit = 'ms', ...rest] = argument.split(':');
  if (to === undefined || rest.length > 0)
    return 'two points in time stand there, and a unit: %COMMON_DURATION(DS_RX_BEG:DS_TX_END:ms)%';
  return unit === '' ? 'the unit is missing' : oneOf(['ms', 'us', 'ns'], unit);
};

const path: ArgumentCheck = (argument) => {
  const [query, source] = argument.split(':');
  return oneOf(['WQ', 'NQ'], query) ?? oneOf(['ORIG', 'PATH', 'ORIG_OR_PATH'], source);
};

const metadataSources = [
  'DYNAMIC',
  'CLUSTER',
  'ROUTE',
  'UPSTREAM_HOST',
  'LISTENER',
  'LISTENER_FILTER_CHAIN',
  'VIRTUAL_HOST',
];
const metadata: ArgumentCheck = (argument) => {
  const [source = ''] = argument.split(':');
  return metadataSources.includes(source)
    ? undefined
    : `${JSON.stringify(source)} is none of ${metadataSources.join(', ')}`;
};

/** What Envoy looks at in arguments when it reads a format. The expressions of CEL are for Envoy alone to judge. */
export const argumentChecks: ReadonlyMap<string, ArgumentCheck> = new Map([
  ...['REQ', 'REQUEST_HEADER', 'RESP', 'RESPONSE_HEADER', 'RESPONSE_TRAILER', 'STREAM_INFO_REQ', 'TRAILER'].map(
    (name) => [name, header] as const,
  ),
  ...['START_TIME', 'EMIT_TIME'].flatMap(
    (name) =>
      [
        [name, time],
        [`${name}_LOCAL`, time],
      ] as const,
  ),
  ...['DOWNSTREAM', 'UPSTREAM'].flatMap((side) =>
    ['START', 'END'].map((end) => [`${side}_PEER_CERT_V_${end}`, time] as const),
  ),
  ['FILTER_STATE', filterState],
  ['UPSTREAM_FILTER_STATE', filterState],
  ['COMMON_DURATION', duration],
  ['PATH', path],
  ['QUERY_PARAMS', (argument) => oneOf(['ORIG', 'DECODED'], argument)],
  ['GRPC_STATUS', (argument) => oneOf(['CAMEL_STRING', 'SNAKE_STRING', 'NUMBER'], argument)],
  ['METADATA', metadata],
]);
