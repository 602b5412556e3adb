// MeshProxyPatch: changes Envoy's own configuration where no policy has a word for it.
import { defineProxyPolicy, type Report } from '@ursa/policy';
import { type Modification, type ProxyPatchConf, proxyPatchConf } from './proxy-patch-conf.ts';

/** The policy. Its effect on proxies comes later. */
export const meshProxyPatch = defineProxyPolicy({
  name: 'MeshProxyPatch',
  shortName: 'mpp',
  summary: "Patches Envoy's configuration.",
  targetRef: ['Mesh', 'Dataplane', 'MeshSubset', 'MeshGateway', 'MeshService', 'MeshServiceSubset'],
  conf: proxyPatchConf,
  gatewayListenerTags: true,
  checkConf: checkPatch,
});

function checkPatch({ appendModifications = [] }: ProxyPatchConf, report: Report): void {
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
    checkValue(change, at);
  }
  for (const kind of ['networkFilter', 'httpFilter'] as const) {
    const change = modification[kind];
    if (change === undefined) continue;
    const at = report.at(kind);
    if (change.match?.name === undefined) checkAnchor(change.operation, at);
    checkValue(change, at);
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
  readonly jsonPatches?: readonly unknown[];
}

function checkValue({ operation, value, jsonPatches = [] }: Change, report: Report): void {
  if (operation === 'Remove') {
    if (value !== undefined) report.add('value', 'must not be defined');
  } else if (operation === 'Patch') {
    const given = (value === undefined ? 0 : 1) + (jsonPatches.length === 0 ? 0 : 1);
    if (given === 2) report.add('', 'must have only one type defined: value, jsonPatches');
    if (given === 0) report.add('', 'must have exactly one defined: value, jsonPatches');
  } else if (value === undefined) report.add('value', 'must be defined');
}
