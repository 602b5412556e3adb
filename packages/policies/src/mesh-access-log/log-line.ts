// The line that is written for a request or a connection: as text, or as JSON.
import { create, type JsonObject } from '@bufbuild/protobuf';
import {
  type SubstitutionFormatString,
  SubstitutionFormatStringSchema,
} from '@ursa/envoy/gen/envoy/config/core/v3/substitution_format_string_pb.ts';
import type { Format } from './access-log-conf.ts';
import { fillIn, type Placeholders } from './placeholders.ts';

/** Lines where a conf names no format, word for word those of the peers: tools parse them. */
export const defaultFormats = {
  tcp:
    '[%START_TIME%] %RESPONSE_FLAGS% %KUMA_MESH% %KUMA_SOURCE_ADDRESS_WITHOUT_PORT%(%KUMA_SOURCE_SERVICE%)->' +
    '%UPSTREAM_HOST%(%KUMA_DESTINATION_SERVICE%) took %DURATION%ms, sent %BYTES_SENT% bytes, received: %BYTES_RECEIVED% bytes',
  http:
    '[%START_TIME%] %KUMA_MESH% "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% ' +
    '%RESPONSE_FLAGS% %BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% ' +
    '"%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-B3-TRACEID?X-DATADOG-TRACEID)%" "%REQ(X-REQUEST-ID)%" ' +
    '"%REQ(:AUTHORITY)%" "%KUMA_SOURCE_SERVICE%" "%KUMA_DESTINATION_SERVICE%" "%KUMA_SOURCE_ADDRESS_WITHOUT_PORT%" "%UPSTREAM_HOST%"',
  // Nothing but this word: what the peers write of traffic to unknown destinations.
  passthrough: 'tcp',
} as const;

/** How lines of one place are filled in. */
export interface LineOptions {
  readonly defaultFormat: string;
  readonly values: Placeholders;
}

/** Lines of a file. */
export function fileLine(given: Format | undefined, options: LineOptions): SubstitutionFormatString {
  const line = lineOf(given, options);
  return create(SubstitutionFormatStringSchema, {
    format:
      typeof line === 'string'
        ? { case: 'textFormatSource', value: { specifier: { case: 'inlineString', value: line } } }
        : { case: 'jsonFormat', value: line },
    omitEmptyValues: given?.omitEmptyValues ?? false,
  });
}

/** Lines for a TCP address: kuma-dp reads them from its pipe, and sends `message` to `address`. */
export function pipedLine(address: string, given: Format | undefined, options: LineOptions): SubstitutionFormatString {
  return create(SubstitutionFormatStringSchema, {
    format: { case: 'jsonFormat', value: { address, message: lineOf(given, options) } },
    omitEmptyValues: given?.omitEmptyValues ?? false,
  });
}

function lineOf(given: Format | undefined, { defaultFormat, values }: LineOptions): string | JsonObject {
  if (given?.type === 'Json') {
    return Object.fromEntries((given.json ?? []).map(({ key, value }) => [key, fillIn(value, values)]));
  }
  return `${fillIn(given?.plain ?? defaultFormat, values)}\n`;
}
