// Rules for a MeshHTTPRoute's entries that their schema cannot say.
import { checkOneLine, checkRegularExpression, parseDecimal, type Report, validateTargetRef } from '@ursa/policy';
import { type BackendRef, isIp, type TargetRef } from '@ursa/resources';
import { checkBackendRef, largestWeight } from '../conf/backend-ref.ts';
import { checkHeaderMatch, checkHeadersToWrite, checkHeaderToWrite, type HeaderModifier } from '../conf/headers.ts';
import type { HttpFilter, HttpMatch, HttpRule } from './http-route-conf.ts';
import { partOfType, withOwnPart } from './own-part.ts';

interface Entry {
  readonly hostnames?: readonly string[];
  readonly rules?: readonly HttpRule[];
}

/** Reports what is wrong with an entry of `to`. */
export function checkHttpRouteEntry({ hostnames = [], rules = [] }: Entry, report: Report, topLevel: TargetRef): void {
  const gateway = topLevel.kind === 'MeshGateway';
  if (hostnames.length > 0 && !gateway) report.add('hostnames', 'must not be defined');
  for (const [index, rule] of rules.entries()) {
    const at = report.at(`rules[${index}]`);
    for (const [position, match] of rule.matches.entries()) checkMatch(match, at.at(`matches[${position}]`));
    const { filters = [], backendRefs = [] } = rule.default;
    for (const [position, filter] of filters.entries()) {
      checkFilter(filter, rule.matches, gateway, at.at(`default.filters[${position}]`));
    }
    const redirects = filters.some((filter) => filter.type === 'RequestRedirect');
    if (gateway && backendRefs.length === 0 && !redirects) at.add('default.backendRefs', 'must not be empty');
    for (const [position, ref] of backendRefs.entries()) {
      checkBackendRef(ref, at.at(`default.backendRefs[${position}]`));
    }
    checkWeights(backendRefs, at.at('default.backendRefs'));
    checkHeaderCount(filters, at.at('default.filters'));
  }
}

function checkWeights(refs: readonly BackendRef[], report: Report): void {
  // Each has its own report of a weight that is too large by itself. Envoy adds them up in 32 bits.
  if (refs.some(({ weight = 1 }) => weight > largestWeight)) return;
  const sum = refs.reduce((total, { weight = 1 }) => total + weight, 0);
  if (sum > largestWeight) report.add('', `weights must not come to more than ${largestWeight} together`);
}

/** Envoy's limit for one route. */
const mostHeaders = 1000;

function checkHeaderCount(filters: readonly HttpFilter[], report: Report): void {
  for (const modifier of ['requestHeaderModifier', 'responseHeaderModifier'] as const) {
    const written = filters.map(withOwnPart).reduce((total, filter) => {
      const { set = [], add = [] } = filter[modifier] ?? {};
      return total + set.length + add.length;
    }, 0);
    if (written > mostHeaders) report.add('', `must not set and add more than ${mostHeaders} headers by ${modifier}`);
  }
}

/** Of the name of a query parameter, by Envoy's measure. */
const longestParameter = 1024;

function checkMatch({ path, headers = [], queryParams = [] }: HttpMatch, report: Report): void {
  if (path !== undefined && path.type !== 'RegularExpression') {
    if (path.type === 'PathPrefix' && path.value !== '/' && path.value.endsWith('/')) {
      const reason = 'because only a `/`-separated prefix or an entire path is matched';
      report.add('path.value', `does not need a trailing slash ${reason}`);
    }
    if (!path.value.startsWith('/')) report.add('path.value', 'must be an absolute path');
  }
  if (path?.type === 'RegularExpression') checkRegularExpression(report, 'path.value', path.value);
  for (const [index, match] of headers.entries()) {
    const { type, value = '' } = match;
    checkHeaderMatch(report.at(`headers[${index}]`), match);
    const byPresence = type === 'Present' || type === 'Absent';
    if (byPresence && value !== '') report.add(`headers[${index}].value`, 'must not be defined');
  }
  const seen = new Set<string>();
  for (const [index, { type, name, value }] of queryParams.entries()) {
    if (type === 'RegularExpression') checkRegularExpression(report, `queryParams[${index}].value`, value);
    if (new TextEncoder().encode(name).length > longestParameter) {
      report.add(`queryParams[${index}].name`, `must be at most ${longestParameter} bytes long`);
    }
    if (seen.has(name)) report.add(`queryParams[${index}].name`, `multiple entries for name ${name}`);
    seen.add(name);
  }
}

function checkFilter(filter: HttpFilter, matches: readonly HttpMatch[], gateway: boolean, report: Report): void {
  const part = partOfType[filter.type];
  if (filter[part] === undefined) report.add(part, 'must be defined');
  for (const modifier of ['requestHeaderModifier', 'responseHeaderModifier'] as const) {
    if (part === modifier && filter[modifier] !== undefined) checkModifier(filter[modifier], report.at(modifier));
  }
  const byPrefix = matches.every((match) => match.path?.type === 'PathPrefix');
  for (const change of ['requestRedirect', 'urlRewrite'] as const) {
    for (const field of ['replaceFullPath', 'replacePrefixMatch'] as const) {
      if (part === change) checkOneLine(report, `${change}.path.${field}`, filter[change]?.path?.[field]);
    }
    if (part === change && filter[change]?.path?.replacePrefixMatch !== undefined && !byPrefix) {
      report.add(`${change}.path.replacePrefixMatch`, 'can only appear if all matches match a path prefix');
    }
  }
  for (const change of ['requestRedirect', 'urlRewrite'] as const) {
    if (part === change && isIp(filter[change]?.hostname ?? '')) {
      report.add(`${change}.hostname`, 'cannot be an IP address');
    }
  }
  const rewrite = part === 'urlRewrite' ? filter.urlRewrite : undefined;
  if (rewrite?.hostToBackendHostname === true) {
    if (!gateway) report.add('urlRewrite.hostToBackendHostname', 'can only be set with MeshGateway');
    if (rewrite.hostname !== undefined) {
      report.add('urlRewrite.hostToBackendHostname', 'cannot be set together with hostname');
    }
  }
  const mirror = part === 'requestMirror' ? filter.requestMirror : undefined;
  if (mirror !== undefined) {
    const rules = { kinds: ['MeshService', 'MeshServiceSubset'], inboundSection: false, listenerTags: false } as const;
    validateTargetRef(mirror.backendRef, rules, report.at('requestMirror.backendRef'));
    // More than all are all of them, as they always were.
    if ((parseDecimal(mirror.percentage ?? 0) ?? -1) < 0) {
      report.add('requestMirror.percentage', 'must be a number from 0 to 100');
    }
  }
}

const pathAdvice = ': a filter of the type URLRewrite changes host and path';

function checkModifier({ set, add, remove }: HeaderModifier, report: Report): void {
  if (set === undefined && add === undefined && remove === undefined) {
    report.add('', 'must have at least one defined: set, add, remove');
  }
  const seen = new Set<string>();
  const lists = { set: set?.map(({ name }) => name), add: add?.map(({ name }) => name), remove };
  for (const [list, names = []] of Object.entries(lists)) {
    for (const [index, name] of names.entries()) {
      if (seen.has(name)) report.add(`${list}[${index}].name`, 'duplicate header name');
      seen.add(name);
    }
  }
  const written = { ...(set && { set }), ...(add && { add }) };
  checkHeadersToWrite(report, written, pathAdvice);
  for (const [index, name] of (remove ?? []).entries())
    checkHeaderToWrite(report, `remove[${index}]`, name, pathAdvice);
}
