// The same for TrafficRoute, the older form of routes, which is no policy of its own here.
import type { BorderValue } from './border-values.ts';

const api = { 'kuma.io/service': 'api' };
const everybody = [{ match: { 'kuma.io/service': '*' } }];
const inRule = 'conf.http[0]';

type Case = readonly [what: string, conf: object, refusedAt?: string | undefined, stricter?: string | undefined];

function value([what, conf, refusedAt, stricter]: Case): BorderValue {
  return {
    what,
    type: 'TrafficRoute',
    spec: { sources: everybody, destinations: [{ match: api }], conf: { destination: api, ...conf } },
    ...(refusedAt === undefined ? {} : { refusedAt }),
    ...(stricter === undefined ? {} : { stricter }),
  };
}

const prefix = { path: { prefix: '/a' } };
const rule = (part: object): object => ({ http: [{ match: prefix, destination: api, ...part }] });
const matching = (match: object): object => rule({ match });
const changing = (modify: object): object => rule({ modify });
const split = (...weights: readonly number[]): object => ({
  destination: undefined,
  split: weights.map((weight) => ({ weight, destination: { ...api, version: 'v1' } })),
});
const adding = (name: string, text: string): object => changing({ requestHeaders: { add: [{ name, value: text }] } });
const replacingPath = (pattern: string, substitution: string): object =>
  changing({ path: { regex: { pattern, substitution } } });
const replacingHost = (pattern: string, substitution: string): object =>
  changing({ host: { fromPath: { pattern, substitution } } });
const balancing = (loadBalancer: object): object => ({ loadBalancer });
const ring = (ringHash: object): object => balancing({ ringHash: { hashFunction: 'XX_HASH', ...ringHash } });

const meant = 'it can have no meaning';
const nothingReplaced = 'Envoy replaces nothing by it';
const noSuchName = 'no request can have such a header';
const mended = 'what is built of it is what Envoy takes';
const withBacks = `${inRule}.modify.path.regex.substitution`;

/** All of them. */
export const olderBorderValues: readonly BorderValue[] = (
  [
    ['an exact path', matching({ path: { exact: '/a' } })],
    ['a path with a line break', matching({ path: { exact: '/a\nb' } }), `${inRule}.match.path.exact`, meant],
    ['an expression for paths', matching({ path: { regex: '/a.*' } })],
    ['no expression', matching({ path: { regex: '(' } }), `${inRule}.match.path.regex`],
    ['a method by prefix', matching({ method: { prefix: 'P' } })],
    ['a method by expression', matching({ method: { regex: 'GET|HEAD' } })],
    ['a header', matching({ headers: { 'x-some': { exact: 'a' } } })],
    [
      'a header with a space',
      matching({ headers: { 'a b': { exact: 'a' } } }),
      `${inRule}.match.headers[a b]`,
      noSuchName,
    ],
    ['a header with a line break', matching({ headers: { 'a\nb': { exact: 'a' } } }), `${inRule}.match.headers[a\nb]`],
    ['another prefix', changing({ path: { rewritePrefix: '/b' } })],
    [
      'a prefix with a line break',
      changing({ path: { rewritePrefix: '/b\n' } }),
      `${inRule}.modify.path.rewritePrefix`,
    ],
    ['a group', replacingPath('^/a/(.*)$', '/\\1')],
    ['all of it', replacingPath('^/a/(.*)$', '/b\\0')],
    ['a backslash', replacingPath('^/a/(.*)$', '/\\\\')],
    ['a backslash before a letter', replacingPath('^/a/(.*)$', '/\\n'), withBacks, nothingReplaced],
    ['a backslash at the end', replacingPath('^/a/(.*)$', '/\\'), withBacks, nothingReplaced],
    ['a group that is not there', replacingPath('^/a/(.*)$', '/\\2')],
    ['a line break in place', replacingPath('^/a/(.*)$', '/\n'), withBacks],
    ['another host', changing({ host: { value: 'b.example' } })],
    ['a host with a line break', changing({ host: { value: 'b\n' } }), `${inRule}.modify.host.value`],
    ['a host of the path', replacingHost('^/a/([a-z]+)$', '\\1.example')],
    ['a host of no expression', replacingHost('(', 'a'), `${inRule}.modify.host.fromPath.pattern`],
    ['a host of a group that is not there', replacingHost('^/a$', '\\1')],
    ['a header to add', adding('x-some', 'plain %PROTOCOL% 100%%')],
    ['a header of an unknown command', adding('x-some', '%NOPE%'), `${inRule}.modify.requestHeaders.add[0].value`],
    ['a header of two lines', adding('x-some', 'a\nb'), `${inRule}.modify.requestHeaders.add[0].value`],
    ['the host', adding('host', 'a'), `${inRule}.modify.requestHeaders.add[0].name`],
    ['a name in capitals', adding('X-Some', 'a')],
    ['a name with a space', adding('a b', 'a'), `${inRule}.modify.requestHeaders.add[0].name`, noSuchName],
    ['a header to remove', changing({ responseHeaders: { remove: [{ name: 'x-some' }] } })],
    [
      'the host to remove',
      changing({ requestHeaders: { remove: [{ name: 'host' }] } }),
      `${inRule}.modify.requestHeaders.remove[0].name`,
    ],
    ['the largest weights', split(4_294_967_294, 1)],
    ['larger weights', split(4_294_967_295, 1), 'conf.split'],
    ['no weight', split(0, 0), 'conf.split', mended],
    ['two choices', balancing({ leastRequest: { choiceCount: 2 } })],
    ['one choice', balancing({ leastRequest: { choiceCount: 1 } }), 'conf.loadBalancer.leastRequest.choiceCount'],
    ['any choices', balancing({ leastRequest: {} })],
    ['random', balancing({ random: {} })],
    ['maglev', balancing({ maglev: {} })],
    ['a ring', ring({ minRingSize: 1, maxRingSize: 1 })],
    ['a ring with a maximum alone', ring({ maxRingSize: 8 })],
    ['the largest ring', ring({ minRingSize: 8_388_608 })],
    ['a larger ring', ring({ minRingSize: 8_388_609 }), 'conf.loadBalancer.ringHash.minRingSize'],
    ['a larger maximum', ring({ maxRingSize: 8_388_609 }), 'conf.loadBalancer.ringHash.maxRingSize'],
    [
      'sizes that are swapped',
      ring({ minRingSize: 9, maxRingSize: 8 }),
      'conf.loadBalancer.ringHash.minRingSize',
      mended,
    ],
    ['another hash', ring({ hashFunction: 'MURMUR_HASH_2' })],
    ['an unknown hash', ring({ hashFunction: 'MD5' }), 'conf.loadBalancer.ringHash.hashFunction', mended],
  ] satisfies Case[]
).map(value);
