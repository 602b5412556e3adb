// Values on both sides of the line that Envoy draws, as one proxy would get them: the last that it takes, the first that it refuses. A test holds
// our validation against them, a slow one the real Envoy.
import { olderBorderValues } from './older-border-values.ts';

/** A policy with one value at the line. */
export interface BorderValue {
  readonly what: string;
  readonly type: string;
  readonly spec: object;
  /** Field at which the policy is refused; undefined when it is taken. */
  readonly refusedAt?: string;
  /** Why it is refused though Envoy takes it. */
  readonly stricter?: string;
}

const everywhere = { kind: 'Mesh' };
const sidecars = { kind: 'Mesh', proxyTypes: ['Sidecar'] };
const api = { kind: 'MeshService', name: 'api' };

type Case = readonly [what: string, conf: object, refusedAt?: string | undefined, stricter?: string | undefined];

function at(field: string, refusedAt: string | undefined): { readonly refusedAt?: string } {
  return refusedAt === undefined ? {} : { refusedAt: `${field}.${refusedAt}` };
}

function cases(type: string, field: string, specOf: (conf: object) => object, list: readonly Case[]): BorderValue[] {
  return list.map(([what, conf, refusedAt, stricter]) => ({
    what,
    type,
    spec: specOf(conf),
    ...at(field, refusedAt),
    ...(stricter === undefined ? {} : { stricter }),
  }));
}

const toAll = (conf: object) => ({ targetRef: everywhere, to: [{ targetRef: everywhere, default: conf }] });
const toApi = (conf: object) => ({ targetRef: everywhere, to: [{ targetRef: api, default: conf }] });
const rules = (conf: object) => ({ targetRef: sidecars, rules: [{ default: conf }] });
const single = (conf: object) => ({ targetRef: everywhere, default: conf });
const inTo = 'spec.to[0].default';

const letters = (count: number): string => 'a'.repeat(count);
const longest = '2562047h';
// Several policies can come to such values together, and stores of before can hold them.
const mended = 'what is built of it is what Envoy takes';
const noSuchName = 'no request or response can have such a header';

// What the policies say of headers that are written, in front of and behind the line.
const headerValues: readonly (readonly [value: string, refused?: true])[] = [
  [''],
  ['plain text, %PROTOCOL%, 100%% and %REQ(x-request-id?:path):12%'],
  ['%PER_REQUEST_STATE(some.key)%'],
  ['%NOPE%', true],
  ['%', true],
  ['100%', true],
  ['%PROTOCOL', true],
  ['%KUMA_MESH%', true],
  ['tab\tin it'],
  ['line\nbreak', true],
  ['carriage\rreturn', true],
  ['nul\0', true],
  [letters(16_384)],
  [letters(16_385), true],
  [`${'ü'.repeat(8_192)}a`, true],
];
const headerNames: readonly (readonly [name: string, refused?: true])[] = [
  ['x-some'],
  ['x!y'],
  ['content-length'],
  ['host', true],
];

function writtenHeaders(confOf: (headers: object) => object, field: string): Case[] {
  return [
    ...headerValues.map(([value, refused]): Case => {
      const conf = confOf({ add: [{ name: 'x-some', value }] });
      return [`value ${JSON.stringify(value.slice(0, 20))}`, conf, refused && `${field}.add[0].value`];
    }),
    ...headerNames.map(([name, refused]): Case => {
      const conf = confOf({ set: [{ name, value: 'value' }] });
      return [`name ${name}`, conf, refused && `${field}.set[0].name`];
    }),
  ];
}

const retry = (conf: object): object => ({ http: { numRetries: 1, ...conf } });
const backOff = (baseInterval?: string, maxInterval?: string): object =>
  retry({ backOff: { ...(baseInterval && { baseInterval }), ...(maxInterval && { maxInterval }) } });
const resetHeader = (name: string): object =>
  retry({ rateLimitedBackOff: { resetHeaders: [{ name, format: 'Seconds' }] } });
const retried = (match: object): object => retry({ retriableRequestHeaders: [{ name: 'x-some', ...match }] });

const meshRetry = cases('MeshRetry', `${inTo}.conf.http`, toAll, [
  ['no time for each try', retry({ perTryTimeout: '0s' })],
  ['a very long time for each try', retry({ perTryTimeout: longest })],
  ['less than no time', retry({ perTryTimeout: '-1s' }), 'perTryTimeout'],
  ['the shortest base', backOff('1ns', '1s')],
  ['no base', backOff('0s', '1s'), 'backOff.baseInterval'],
  ['a negative base', backOff('-1s'), 'backOff.baseInterval'],
  ['no maximum', backOff(undefined, '0s'), 'backOff.maxInterval'],
  ['a maximum alone', backOff(undefined, '1s')],
  ['a short maximum alone', backOff(undefined, '1ms')],
  ['a base alone', backOff('1s')],
  ['base and maximum that are equal', backOff('1s', '1s')],
  ['a base that is longer by less than a millisecond', backOff('1.2ms', '1.1ms')],
  ['a base that is longer', backOff('2ms', '1ms'), 'backOff.maxInterval', mended],
  ['a header to read', resetHeader('Retry-After')],
  ['a header with a line break', resetHeader('a\nb'), 'rateLimitedBackOff.resetHeaders[0].name'],
  ['a header with a space', resetHeader('a b'), 'rateLimitedBackOff.resetHeaders[0].name', noSuchName],
  ['no header to read', retry({ rateLimitedBackOff: { resetHeaders: [] } }), 'rateLimitedBackOff.resetHeaders'],
  ['an exact value that is empty', retried({ type: 'Exact', value: '' })],
  ['an empty expression', retried({ type: 'RegularExpression', value: '' }), 'retriableRequestHeaders[0].value'],
  ['a missing expression', retried({ type: 'RegularExpression' }), 'retriableRequestHeaders[0].value'],
  ['an empty prefix', retried({ type: 'Prefix', value: '' }), 'retriableRequestHeaders[0].value'],
  ['attempts without end', retry({ hostSelectionMaxAttempts: 1e300 })],
]);

const fault = (conf: object): object => ({ http: [conf] });
const percentage = 10;
const meshFaultInjection = cases('MeshFaultInjection', 'spec.rules[0].default.http', rules, [
  ['the shortest delay', fault({ delay: { value: '1ns', percentage } })],
  ['no delay', fault({ delay: { value: '0s', percentage } }), 'delay[0].value'],
  ['the lowest status', fault({ abort: { httpStatus: 200, percentage } })],
  ['a status that ends nothing', fault({ abort: { httpStatus: 199, percentage } }), 'abort[0].httpStatus'],
  ['the highest status', fault({ abort: { httpStatus: 599, percentage } })],
  ['a status above', fault({ abort: { httpStatus: 600, percentage } }), 'abort[0].httpStatus'],
  ['the least bandwidth', fault({ responseBandwidth: { limit: '1kbps', percentage } })],
  [
    'no bandwidth',
    fault({ responseBandwidth: { limit: '0kbps', percentage } }),
    'responseBandwidth[0].responseBandwidth',
  ],
]);

const everyPath = { path: { type: 'PathPrefix', value: '/' } };
const route = ({ match = everyPath, ...conf }: { readonly match?: object }): object => ({
  targetRef: everywhere,
  to: [{ targetRef: api, rules: [{ matches: [match], default: conf }] }],
});
const filter = (type: string, part: object): object => {
  const field = type === 'URLRewrite' ? 'urlRewrite' : `${type.charAt(0).toLowerCase()}${type.slice(1)}`;
  return { filters: [{ type, [field]: part }] };
};
const inFilter = 'default.filters[0]';
const inMatch = 'matches[0]';
const written = (count: number): object => ({
  filters: Array.from({ length: Math.ceil(count / 16) }, (_, list) => ({
    type: 'RequestHeaderModifier',
    requestHeaderModifier: {
      set: Array.from({ length: Math.min(16, count - list * 16) }, (_, index) => ({
        name: `x-${list}-${index}`,
        value: '',
      })),
    },
  })),
});
const weights = (first: number, second: number): object => ({
  backendRefs: [
    { ...api, weight: first },
    { kind: 'MeshService', name: 'h2', weight: second },
  ],
});
const removed = (name: string, refused?: true, stricter?: string): Case[] =>
  (['Request', 'Response'] as const).map((side) => [
    `${name} removed from the ${side}`,
    filter(`${side}HeaderModifier`, { remove: [name] }),
    refused && `${inFilter}.${side.toLowerCase()}HeaderModifier.remove[0]`,
    stricter,
  ]);
const rewritten = (path: string, refused?: true): Case[] =>
  ['URLRewrite', 'RequestRedirect'].flatMap((type) =>
    ['replaceFullPath', 'replacePrefixMatch'].map((field): Case => {
      const change = {
        path: { type: field === 'replaceFullPath' ? 'ReplaceFullPath' : 'ReplacePrefixMatch', [field]: path },
      };
      const part = type === 'URLRewrite' ? 'urlRewrite' : 'requestRedirect';
      return [`${type} to ${path}`, filter(type, change), refused && `${inFilter}.${part}.path.${field}`];
    }),
  );
const parameter = (name: string): object => ({ match: { queryParams: [{ type: 'Exact', name, value: '1' }] } });
const header = (match: object): object => ({ match: { headers: [{ name: 'x-some', ...match }] } });

const meshHttpRoute = cases('MeshHTTPRoute', 'spec.to[0].rules[0]', route, [
  ...writtenHeaders((part) => filter('RequestHeaderModifier', part), `${inFilter}.requestHeaderModifier`),
  ...writtenHeaders((part) => filter('ResponseHeaderModifier', part), `${inFilter}.responseHeaderModifier`),
  ...removed('X-Some'),
  ...removed('Content-Length'),
  ...[':path', ':Path', ':authority', ':status', 'host', 'Host', 'HOST', 'a\nb', 'a\0b', ''].flatMap((name) =>
    removed(name, true),
  ),
  ...removed('a b', true, noSuchName),
  ['as many headers as Envoy takes', written(1000)],
  ['one more', written(1001), 'default.filters'],
  ...rewritten('/new?a=1#b'),
  ...rewritten('/%NOPE%'),
  ...['/a\nb', '/a\rb', '/a\0b'].flatMap((path) => rewritten(path, true)),
  [
    'the name of a host with a line break',
    filter('URLRewrite', { hostname: 'a\n' }),
    `${inFilter}.urlRewrite.hostname`,
  ],
  [
    'an empty expression for a path',
    { match: { path: { type: 'RegularExpression', value: '' } } },
    `${inMatch}.path.value`,
  ],
  ['an exact value that is empty', header({ value: '' })],
  ['an empty expression', header({ type: 'RegularExpression', value: '' }), `${inMatch}.headers[0].value`],
  ['a missing expression', header({ type: 'RegularExpression' }), `${inMatch}.headers[0].value`],
  ['an empty prefix', header({ type: 'Prefix', value: '' }), `${inMatch}.headers[0].value`],
  [
    'an empty expression for a parameter',
    { match: { queryParams: [{ type: 'RegularExpression', name: 'a', value: '' }] } },
    `${inMatch}.queryParams[0].value`,
  ],
  ['the longest name of a parameter', parameter(letters(1024))],
  ['a longer name of a parameter', parameter(letters(1025)), `${inMatch}.queryParams[0].name`],
  ['a name of a parameter that is longer in bytes', parameter('ü'.repeat(513)), `${inMatch}.queryParams[0].name`],
  ['the largest sum of weights', weights(4_294_967_294, 1)],
  ['a larger sum of weights', weights(4_294_967_295, 1), 'default.backendRefs'],
  ['a larger weight', weights(4_294_967_296, 1), 'default.backendRefs[0].weight'],
  [
    'what stands beside the part of the type',
    {
      filters: [
        {
          type: 'RequestHeaderModifier',
          requestHeaderModifier: { set: [{ name: 'x-some', value: 'value' }] },
          responseHeaderModifier: { set: [{ name: 'host', value: '%NOPE%' }] },
          urlRewrite: { path: { type: 'ReplaceFullPath', replaceFullPath: 'a\nb' } },
        },
      ],
    },
  ],
  ['copies of more than all requests', filter('RequestMirror', { percentage: 200, backendRef: api })],
  [
    'copies of less than none',
    filter('RequestMirror', { percentage: '-0.5', backendRef: api }),
    `${inFilter}.requestMirror.percentage`,
  ],
]);

const db = { kind: 'MeshService', name: 'db' };
const tcpRoute = (conf: object): object => ({
  targetRef: everywhere,
  to: [{ targetRef: db, rules: [{ default: conf }] }],
});
// Sums of them may be larger, as connections are drawn by 64 bits.
const meshTcpRoute = cases('MeshTCPRoute', 'spec.to[0].rules[0].default', tcpRoute, [
  ['the largest weights', weights(4_294_967_295, 4_294_967_295)],
  ['a larger weight', weights(4_294_967_296, 1), 'backendRefs[0].weight'],
]);

const meshHealthCheck = cases('MeshHealthCheck', inTo, toAll, [
  ...writtenHeaders((part) => ({ http: { requestHeadersToAdd: part } }), 'http.requestHeadersToAdd'),
  ['a path with a space', { http: { path: '/a b' } }],
  ...['/a\nb', '/a\rb', '/a\0b'].map((path): Case => [`path ${path}`, { http: { path } }, 'http.path']),
  ['an authority', { grpc: { authority: 'api' } }],
  ['an authority with a line break', { grpc: { authority: 'a\nb' } }, 'grpc.authority'],
  ['nothing to send', { tcp: { send: '', receive: [''] } }],
  ['the shortest times', { http: {}, interval: '1ns', timeout: '1ns' }],
  ['the longest times', { http: {}, interval: longest, timeout: longest }],
]);

const meshRateLimit = cases(
  'MeshRateLimit',
  'spec.rules[0].default',
  rules,
  writtenHeaders(
    (headers) => ({ local: { http: { requestRate: { num: 1, interval: '1s' }, onRateLimit: { headers } } } }),
    'local.http.onRateLimit.headers',
  ),
);

const formats: readonly (readonly [format: string, refused?: true])[] = [
  ['%KUMA_SOURCE_SERVICE% %REQ(%KUMA_MESH%)% %START_TIME(%Y-%m-%dT%H:%M:%S.%3f)% 100%%'],
  ['%NOPE%', true],
  ['%', true],
  ['100%', true],
  ['%KUMA_NOPE%', true],
  ['%KUMA_MESH', true],
  ['%KUMA_MESH%%', true],
  ['%PER_REQUEST_STATE(key)%', true],
];
const toFile = (format: object): object => ({ backends: [{ type: 'File', file: { path: '/dev/null', format } }] });
const toCollector = (part: object): object => ({
  backends: [{ type: 'OpenTelemetry', openTelemetry: { endpoint: 'otel:4317', ...part } }],
});
const inFile = 'backends[0].file.format';
const inRecord = 'backends[0].openTelemetry';
const endpoints: readonly (readonly [endpoint: string, refused?: true, stricter?: string])[] = [
  ['otel'],
  ['otel_1:65535'],
  ['[fd00::1]:4317'],
  ['fd00::1'],
  ['otel:65536', true],
  ['otel:99999', true],
  ['otel:0', true, 'nothing listens at port 0'],
  ['otel:', true, 'whoever writes a colon means a port'],
  ['o tel:1', true, 'no host has such a name'],
  [':4317', true, 'no host has such a name'],
];
const collectors = (confOf: (openTelemetry: object) => object, field: string): Case[] =>
  endpoints.map(([endpoint, refused, stricter]) => [
    `collector at ${endpoint}`,
    confOf({ backends: [{ type: 'OpenTelemetry', openTelemetry: { endpoint } }] }),
    refused && field,
    stricter,
  ]);

const meshAccessLog = cases('MeshAccessLog', inTo, toAll, [
  ...formats.flatMap(([format, refused]): Case[] => [
    [`line ${format}`, toFile({ type: 'Plain', plain: format }), refused && `${inFile}.plain`],
    [
      `JSON ${format}`,
      toFile({ type: 'Json', json: [{ key: '%NOPE%', value: format }] }),
      refused && `${inFile}.json[0].value`,
    ],
    [
      `attribute ${format}`,
      toCollector({ attributes: [{ key: '%NOPE%', value: format }] }),
      refused && `${inRecord}.attributes[0].value`,
    ],
    [`body ${format}`, toCollector({ body: format }), refused && `${inRecord}.body`],
    [
      `nested body ${format}`,
      toCollector({ body: { kvlistValue: { values: [{ key: '%NOPE%', value: { stringValue: format } }] } } }),
      refused && `${inRecord}.body`,
    ],
    [`body of another form ${format}`, toCollector({ body: { format } }), refused && `${inRecord}.body`],
  ]),
  ['a number as body', toCollector({ body: 5 })],
  ['an OTLP number as body', toCollector({ body: { intValue: 5 } }), `${inRecord}.body`],
  [
    'an OTLP value without content',
    toCollector({ body: { kvlistValue: { values: [{ key: 'a' }] } } }),
    `${inRecord}.body`,
  ],
  ['a body without content', toCollector({ body: {} })],
  ...collectors((conf) => conf, `${inRecord}.endpoint`),
]);

const hash = (policy: object): object => ({ hashPolicies: [policy] });
const inHash = 'hashPolicies[0]';
const ring = (ringHash: object, type = 'RingHash'): object => ({ loadBalancer: { type, ringHash } });
const table = (tableSize: number): object => ({ loadBalancer: { type: 'Maglev', maglev: { tableSize } } });
const least = (leastRequest: object): object => ({ loadBalancer: { type: 'LeastRequest', leastRequest } });
const meshLoadBalancingStrategy = cases('MeshLoadBalancingStrategy', inTo, toApi, [
  ['a ring of one size', ring({ minRingSize: 2, maxRingSize: 2 })],
  [
    'a maximum below the minimum',
    ring({ minRingSize: 3, maxRingSize: 2 }),
    'loadBalancer.ringHash.maxRingSize',
    mended,
  ],
  ['a small maximum alone', ring({ maxRingSize: 1 })],
  ['sizes that are not asked for', ring({ minRingSize: 3, maxRingSize: 2 }, 'Random')],
  ...[2, 65_537, 5_000_011].map((size): Case => [`a table of ${size}`, table(size)]),
  ...[1, 4, 25, 65_536].map(
    (size): Case => [`a table of ${size}`, table(size), 'loadBalancer.maglev.tableSize', mended],
  ),
  ['the most choices', least({ choiceCount: 4_294_967_295 })],
  ['more choices', least({ choiceCount: 4_294_967_296 }), 'loadBalancer.leastRequest.choiceCount'],
  [
    'a bias without end',
    least({ activeRequestBias: '9'.repeat(400) }),
    'loadBalancer.leastRequest.activeRequestBias',
    mended,
  ],
  ['a header of HTTP/2', hash({ type: 'Header', header: { name: ':authority' } })],
  ['a header with a line break', hash({ type: 'Header', header: { name: 'a\nb' } }), `${inHash}.header.name`],
  ['a cookie that ends at once', hash({ type: 'Cookie', cookie: { name: 'c', ttl: '0s' } })],
  ['a cookie that ended', hash({ type: 'Cookie', cookie: { name: 'c', ttl: '-1s' } }), `${inHash}.cookie.ttl`],
  [
    'a cookie with a line break',
    hash({ type: 'Cookie', cookie: { name: 'a\nb', ttl: '1s' } }),
    `${inHash}.cookie.name`,
    'the answer would have a header that nobody wrote',
  ],
]);

const prometheus = (...backends: readonly object[]): object => ({
  backends: backends.map((backend) => ({ type: 'Prometheus', prometheus: backend })),
});
const meshMetric = cases('MeshMetric', 'spec.default', single, [
  ['two ports', prometheus({ clientId: 'a', port: 5670 }, { clientId: 'b', port: 5671 })],
  ['one port for two', prometheus({ clientId: 'a' }, { clientId: 'b', port: 5670 }), 'backends.backend[1].port'],
  ['one client, named and not', prometheus({ port: 1 }, { clientId: 'default-backend', port: 1 })],
  ['one backend twice', prometheus({ clientId: 'a', port: 1 }, { clientId: 'a', port: 1 })],
  ...collectors((conf) => conf, 'backends.backend[0].openTelemetry.endpoint'),
]);

const zipkin = (url: string): object => ({ backends: [{ type: 'Zipkin', zipkin: { url } }] });
const tagged = (tag: object): object => ({ ...zipkin('http://zipkin:9411/spans'), tags: [{ name: 'tag', ...tag }] });
const inUrl = 'backends[0].zipkin.url';
const meshTrace = cases('MeshTrace', 'spec.default', single, [
  ...collectors((conf) => conf, `${inRecord}.endpoint`),
  ['the highest port', zipkin('http://zipkin:65535/spans')],
  ['a port above', zipkin('http://zipkin:65536/spans'), inUrl, 'nothing would be traced'],
  ['port 0', zipkin('http://zipkin:0/spans'), inUrl, 'nothing would be traced'],
  ['the longest host', zipkin(`https://${letters(254)}/spans`)],
  ['a longer host', zipkin(`https://${letters(256)}/spans`), inUrl],
  ['a tag by a header of HTTP/2', tagged({ header: { name: ':path' } })],
  ...['a\nb', 'a\0b', ''].map(
    (name): Case => [`a tag by the header ${name}`, tagged({ header: { name } }), 'tags[0].header.name'],
  ),
  ['a tag without content', tagged({ literal: '' }), 'tags[0].literal'],
]);

const outside = (protocol: string, ...values: readonly string[]): object => ({
  passthroughMode: 'Matched',
  appendMatch: values.map((value) => ({ type: 'Domain', value, protocol, port: 443 })),
});
const meshPassthrough = cases('MeshPassthrough', 'spec.default', single, [
  ...['tls', 'http', 'http2', 'grpc'].flatMap((protocol): Case[] => [
    [`all names by ${protocol}`, outside(protocol, '*', 'a.example')],
    [`a name in capitals by ${protocol}`, outside(protocol, 'A.example', 'b.example')],
    [`a name in two cases by ${protocol}`, outside(protocol, 'a.example', 'A.example'), 'appendMatch[1].value', mended],
    [
      `a name in two cases by ${protocol}, for all ports and for one`,
      {
        passthroughMode: 'Matched',
        appendMatch: [
          { type: 'Domain', value: 'a.example', protocol },
          { type: 'Domain', value: 'A.example', protocol, port: 443 },
        ],
      },
    ],
  ]),
]);

const deviation = (standardDeviationFactor: string): object => ({
  outlierDetection: { detectors: { successRate: { standardDeviationFactor } } },
});
const inRate = 'outlierDetection.detectors.successRate.standardDeviationFactor';
const meshCircuitBreaker = cases('MeshCircuitBreaker', inTo, toAll, [
  ['the largest deviation', deviation('4294967.295')],
  ['a larger deviation', deviation('4294967.296'), inRate],
]);

const meshTimeout = cases('MeshTimeout', inTo, toAll, [
  ['the longest times', { connectionTimeout: longest, idleTimeout: longest, http: { requestTimeout: longest } }],
  ['the shortest times', { connectionTimeout: '1ns', idleTimeout: '1ns', http: { requestTimeout: '1ns' } }],
  ['no times', { idleTimeout: '0s', http: { requestTimeout: '0s', streamIdleTimeout: '0s', maxStreamDuration: '0s' } }],
]);

/** All of them. */
export const borderValues: readonly BorderValue[] = [
  ...meshAccessLog,
  ...meshCircuitBreaker,
  ...meshFaultInjection,
  ...meshHealthCheck,
  ...meshHttpRoute,
  ...meshLoadBalancingStrategy,
  ...meshMetric,
  ...meshPassthrough,
  ...meshRateLimit,
  ...meshRetry,
  ...meshTcpRoute,
  ...meshTimeout,
  ...meshTrace,
  ...olderBorderValues,
];
