// What a MeshProxyPatch must keep to beside its schema: one change per modification, filters that can be found, values that Envoy knows.
import type { Report } from '@ursa/policy';
import { type Kind, parseValue, valueSchemas } from './envoy-value.ts';
import { parsePointer } from './json-patch.ts';
import type { Modification, ProxyPatchConf } from './proxy-patch-conf.ts';

/** Checks a conf. */
export function checkPatch({ appendModifications = [] }: ProxyPatchConf, report: Report): void {
  if (appendModifications.length === 0) report.add('appendModifications', 'must not be empty');
  for (const [index, modification] of appendModifications.entries()) {
    const at = report.at(`appendModifications[${index}]`);
    const kinds = Object.keys(modification).length;
    if (kinds === 1) checkModification(modification, at);
    else {
      const now = `Currently, ${kinds} modifications are defined`;
      at.add('', `exactly one modification can be defined at a time. ${now}`);
    }
  }
}

function checkModification(modification: Modification, report: Report): void {
  for (const kind of ['cluster', 'listener', 'virtualHost'] as const) {
    const change = modification[kind];
    if (change === undefined) continue;
    const at = report.at(kind);
    if (change.operation === 'Add') {
      if (kind !== 'virtualHost' && change.match !== undefined) at.add('match', 'must not be defined');
      if (kind === 'virtualHost' && change.match?.name !== undefined) at.add('match.name', 'must not be defined');
    }
    checkValue(kind, change, at);
  }
  for (const kind of ['networkFilter', 'httpFilter'] as const) {
    const change = modification[kind];
    if (change === undefined) continue;
    const at = report.at(kind);
    if (change.match?.name === undefined) checkAnchor(change.operation, at);
    checkValue(kind, change, at);
  }
}

// A filter is changed or placed beside one that must be named.
function checkAnchor(operation: string, report: Report): void {
  const side = { AddBefore: 'before', AddAfter: 'after' }[operation];
  if (side !== undefined) {
    report.add('match.name', `must be defined. You need to pick a filter ${side} which this one will be added`);
  }
  if (operation === 'Patch') report.add('match.name', 'must be defined');
}

interface Change {
  readonly operation: string;
  readonly value?: string;
  readonly jsonPatches?: readonly { readonly op: string; readonly path: string; readonly from?: string }[];
}

function checkValue(kind: Kind, { operation, value, jsonPatches = [] }: Change, report: Report): void {
  if (operation === 'Remove') {
    if (value !== undefined) report.add('value', 'must not be defined');
  } else if (operation === 'Patch') {
    const given = (value === undefined ? 0 : 1) + (jsonPatches.length === 0 ? 0 : 1);
    if (given === 2) report.add('', 'must have only one type defined: value, jsonPatches');
    if (given === 0) report.add('', 'must have exactly one defined: value, jsonPatches');
  } else if (value === undefined) report.add('value', 'must be defined');
  if (value !== undefined && operation !== 'Remove') checkEnvoyValue(kind, value, report);
  for (const [index, { op, path, from }] of jsonPatches.entries()) {
    const at = report.at(`jsonPatches[${index}]`);
    checkPointer(at, 'path', path);
    if (op === 'move' || op === 'copy') checkPointer(at, 'from', from);
  }
}

function checkEnvoyValue(kind: Kind, value: string, report: Report): void {
  try {
    parseValue(valueSchemas[kind], value);
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    report.add('value', `native Envoy resource is not valid: ${cause}`);
  }
}

function checkPointer(report: Report, field: string, pointer: string | undefined): void {
  try {
    if (pointer === undefined) report.add(field, 'must be defined');
    else parsePointer(pointer);
  } catch (error) {
    report.add(field, error instanceof Error ? error.message : String(error));
  }
}
