// Rules as firewalld keeps them for the next boot: its file direct.xml (firewalld.direct(5)). What others keep there stays as it is.
import type { IpFamily } from './ip-range.ts';
import { commentMark, ownChains } from './marks.ts';

/** Where firewalld keeps direct rules. */
export const firewalldFile = '/etc/firewalld/direct.xml';

/** Priority of appended rules; inserted ones get lower numbers, which come first. */
const appendedPriority = 3;

const elementPattern = /[ \t]*<(chain|rule|passthrough)\b[^>]*?(\/>|>[\s\S]*?<\/\1>)[ \t]*\n?/g;

/** The elements for the rules of one family, from input of iptables-restore. */
export function firewalldElements(restoreText: string, family: IpFamily): readonly string[] {
  const elements: string[] = [];
  let table = '';
  const inserts = restoreText.match(/^(-I|--insert) /gm)?.length ?? 0;
  let inserted = 0;
  for (const line of restoreText.split('\n').map((part) => part.trim())) {
    const [command = '', chain = '', ...rest] = line.split(' ');
    const place = `ipv="${family}" table="${table}" chain="${chain}"`;
    const rule = (priority: number, words: readonly string[]): string =>
      `  <rule ${place} priority="${priority}">${escapeXml(words.join(' '))}</rule>`;
    if (command.startsWith('*')) table = line.slice(1).trim();
    else if (command === '-N' || command === '--new-chain') elements.push(`  <chain ${place}></chain>`);
    else if (command === '-A' || command === '--append') elements.push(rule(appendedPriority, rest));
    else if (command === '-I' || command === '--insert') {
      elements.push(rule(appendedPriority - inserts + inserted, rest.slice(1)));
      inserted += 1;
    }
  }
  return elements;
}

/** A whole file with the elements, in place of those of ours that `before` had. */
export function formatFirewalldFile(elements: readonly string[], before = ''): string {
  const foreign = [...before.matchAll(elementPattern)]
    .map(([element]) => element)
    .filter((element) => !isOurs(element));
  const lines = [...foreign.map((element) => element.trimEnd()), ...elements];
  return ['<?xml version="1.0" encoding="UTF-8"?>', '<direct>', ...lines, '</direct>', ''].join('\n');
}

/** Whether a file has elements of ours. */
export function hasFirewalldElements(text: string): boolean {
  return [...text.matchAll(elementPattern)].some(([element]) => isOurs(element));
}

function isOurs(element: string): boolean {
  return (
    element.includes(commentMark) ||
    Object.values(ownChains).some((chain) => new RegExp(`\\b${chain}\\b`).test(element))
  );
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
