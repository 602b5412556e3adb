// The golden set of installed rules: what iptables-save prints after an installation by a real iptables.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { parse, stringify } from 'yaml';
import { namespacesMissing, runInNamespace } from '../network-namespace.ts';
import { type GoldenCase, type GoldenCheck, type GoldenPlace, testGoldenSet } from './golden-set.ts';

interface RulesCase extends GoldenCase {
  readonly params: string;
  readonly saveCommand: string;
  readonly expected: string;
  readonly distributions: readonly string[];
  readonly iptablesBinaryMissing: boolean;
}

interface Parameters {
  readonly flags: readonly string[];
  readonly files?: Readonly<Record<string, object>>;
  readonly stdin?: object;
}

/** The set's hosts that have the iptables of this one's version; those of others print chains in another order. */
const sameVersion = 'debian-12';
/** Has no other iptables than legacy. */
const legacyOnly = 'amazon-linux-2';
/** `iptables` is legacy there, though nft is found and used. */
const legacyByName = 'ubuntu-20-04';

const saveCommands = ['iptables', 'ip6tables'].flatMap((prefix) =>
  ['-save', '-nft-save', '-legacy-save'].map((ending) => `${prefix}${ending}`),
);

const legacyPrograms = ['iptables', 'ip6tables']
  .flatMap((prefix) =>
    ['', '-save', '-restore'].map((ending) => `${prefix}${ending}:/usr/sbin/${prefix}-legacy${ending}`),
  )
  .join(',');

/** Output of each save command after an installation, by its parameters and kind: many cases look at one. */
const installations = new Map<string, ReadonlyMap<string, string>>();

async function checks(golden: RulesCase, place: GoldenPlace): Promise<readonly GoldenCheck[]> {
  if (golden.iptablesBinaryMissing) return [];
  const legacy = golden.distributions.includes(legacyOnly);
  const key = `${golden.params} ${legacy}`;
  const outputs = installations.get(key) ?? install(golden.params, legacy, place);
  installations.set(key, outputs);
  const normal = golden.distributions.includes(sameVersion) ? printed : byChain;
  const actual = normal(outputs.get(saveCommandHere(golden)) ?? '');
  return [{ name: 'rules', actual, expected: normal(place.read(golden.expected)) }];
}

function install(name: string, legacy: boolean, place: GoldenPlace): ReadonlyMap<string, string> {
  const all: Readonly<Record<string, Parameters>> = parse(place.read('params.yaml'));
  const parameters = all[name];
  if (parameters === undefined) throw new Error(`there are no parameters "${name}"`);
  const kind = legacy ? ['--iptables-executables', legacyPrograms] : [];
  const script = [
    `kumactl install transparent-proxy --kuma-dp-user kuma-dp ${flagsIn(place, parameters, kind)}`,
    ...saveCommands.map((command) => `echo "==== ${command}"; ${command}`),
  ].join('\n');
  const { stdout, stderr, status } = runInNamespace(script, place.folder);
  assert.equal(status, 0, stderr);
  const parts = stdout.split('==== ').map((part) => part.split('\n'));
  return new Map(parts.map(([command = '', ...lines]) => [command, lines.join('\n')]));
}

/** Flags in quotes; files are written into the case's folder, standard input comes from one. */
function flagsIn(place: GoldenPlace, { flags, files = {}, stdin }: Parameters, more: readonly string[]): string {
  const pathOf = (file: string): string => join(place.folder, basename(file));
  for (const [file, content] of Object.entries(files)) writeFileSync(pathOf(file), stringify(content));
  const words = [...flags, ...more].map((word) => (files[word] === undefined ? word : pathOf(word)));
  const quoted = words.map((word) => `'${word}'`).join(' ');
  if (stdin === undefined) return quoted;
  writeFileSync(pathOf('stdin.yaml'), stringify(stdin));
  return `${quoted} < '${pathOf('stdin.yaml')}'`;
}

function saveCommandHere({ saveCommand, distributions }: RulesCase): string {
  const legacyMeant = distributions.includes(legacyOnly) || distributions.includes(legacyByName);
  return legacyMeant ? saveCommand.replace(/^(ip6?tables)-save$/, '$1-legacy-save') : saveCommand;
}

/** As the set masks it, without the tables that are empty: the peer's hosts have some because somebody looked at them. */
function printed(text: string): string {
  return text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .map((line) => line.replace(/^(:\S+ \S+) \[.*\]$/, '$1').replace(/ -o \S+/, ' -o ifPlaceholder'))
    .join('\n')
    .replaceAll(/^\*\w+\n(:[A-Z]+ ACCEPT\n)+COMMIT$/gm, '')
    .trim();
}

/** The rules of each chain in their order; the order of the chains does not count. */
function byChain(text: string): Readonly<Record<string, readonly string[]>> {
  const chains: Record<string, string[]> = {};
  let table = '';
  for (const line of printed(text).split('\n')) {
    if (line.startsWith('*')) table = line;
    const chain = line.match(/^(?::|-A )(\S+)/)?.[1];
    if (chain === undefined) continue;
    const rules = chains[`${table} ${chain}`] ?? [];
    chains[`${table} ${chain}`] = rules;
    rules.push(line);
  }
  return Object.fromEntries(Object.entries(chains).sort(([first], [second]) => (first < second ? -1 : 1)));
}

const missing = namespacesMissing();
if (missing === false) testGoldenSet<RulesCase>('tproxy-iptables', { checks, passing: 31 });
else test('command lines of the golden set tproxy-iptables', { skip: missing }, () => {}); // because rules are installed in a namespace of their own
