// The golden set `envoyconfig-sidecars`: whole configurations of two proxies, and what the shadow policies of each case would change in them,
// as `_config?shadow=true&include=diff` answers. `../shared` lies beside the repository.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openEngine } from '@ursa/engine';
import { builtinPolicies } from '@ursa/policies';
import { parseAllDocuments } from 'yaml';
import { createWorld, defaultFeatures } from '../../../engine/test/world.ts';
import { formatConfig } from '../../src/api/inspect/config-view.ts';
import { diffJson } from '../../src/api/inspect/json-patch.ts';
import { skippedConfigs } from './proxy-config-skips.ts';

const set = join(import.meta.dirname, '../../../../../shared/conformance/golden/envoyconfig-sidecars');
const mesh = 'envoyconfig';

interface Case {
  readonly id: string;
  readonly policies: string;
  readonly expected: Readonly<Record<string, string>>;
}

type Json = null | boolean | number | string | readonly Json[] | { readonly [field: string]: Json };

test('the golden set envoyconfig-sidecars', {
  skip: existsSync(set) ? false : 'conformance data is not beside the repository',
}, async (suite) => {
  const { cases } = JSON.parse(readFileSync(join(set, 'cases.json'), 'utf8')) as { readonly cases: readonly Case[] };
  let passed = 0;
  for (const item of cases) {
    const skip = skippedConfigs.get(item.id) ?? false;
    await suite.test(item.id, { skip }, () => {
      for (const [proxy, file] of Object.entries(item.expected)) {
        const expected = JSON.parse(readFileSync(join(set, file), 'utf8')) as Json;
        assert.deepEqual(masked(shadowConfig(item, proxy) as Json), ordered(expected), proxy);
      }
      passed += 1;
    });
  }
  suite.diagnostic(`envoyconfig-sidecars: ${passed}/${cases.length} passed, ${skippedConfigs.size} skipped`);
});

const documents = (file: string): unknown[] =>
  parseAllDocuments(readFileSync(join(set, file), 'utf8').replaceAll('<address of the proxy>', '192.168.0.2'))
    .map((document) => document.toJS() as unknown)
    .filter((document) => document !== null);

/** What the recorded proxies said of themselves. */
const facts = {
  features: [...defaultFeatures, 'feature-strict-inbound-ports'],
  admin: { port: 9901, address: '127.0.0.1' },
  workdir: '/tmp',
};

/** The body of `_config` with the shadow policies of a case in force. */
function shadowConfig({ policies }: Case, proxy: string): unknown {
  const world = createWorld(builtinPolicies, 'kuma-3');
  for (const document of [...documents('setup.yaml'), ...documents(policies)]) world.apply(document);
  world.settle();
  for (const name of ['demo-client', 'test-server']) world.connect(mesh, name, facts);
  world.settle();
  const shadowEngine = openEngine({
    graph: world.graph,
    inputs: world.inputs,
    policies: builtinPolicies,
    shadow: true,
  });
  const [current, xds] = [world.engine, shadowEngine].map((engine) => {
    const config = engine.config.get(`${mesh}/${proxy}`);
    assert.ok(config);
    return formatConfig(config);
  });
  return { diff: diffJson(current, xds), xds };
}

const adminNames = ['kuma:envoy:admin', 'kuma:readiness'];
const droppedFields = ['dnsLookupFamily', '_kuma:dynamicconfig'];

/** Hides what differs from machine to machine, as it was hidden where the set was recorded. */
function masked(body: Json): Json {
  const { diff, xds } = masking(JSON.parse(JSON.stringify(body)) as Json, false) as unknown as {
    readonly diff: readonly Step[];
    readonly xds: Json;
  };
  const rank = ({ op }: Step): number => (op === 'remove' ? 0 : 1);
  const steps = diff
    .filter(({ op, path }) => op !== 'test' && !path.endsWith('maxDirectResponseBodySizeBytes'))
    .toSorted((first, second) =>
      first.path === second.path ? rank(first) - rank(second) : first.path < second.path ? -1 : 1,
    );
  return ordered({ diff: steps as unknown as Json, xds });
}

interface Step {
  readonly op: string;
  readonly path: string;
  readonly value: Json;
}

function masking(value: Json, isAdmin: boolean): Json {
  if (typeof value === 'string')
    return value.replaceAll(/\b\d+\.\d+\.\d+\.\d+\b|(?<![\w:])::\d?(?![\w:])/g, 'IP_REDACTED');
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map((item: Json) => masking(item, isAdmin));
  const fields = Object.entries(value as { readonly [field: string]: Json });
  return Object.fromEntries(
    fields
      .filter(([field]) => !droppedFields.includes(field))
      .map(([field, part]) => {
        const admin = isAdmin || adminNames.includes(field);
        if (field === 'statPrefix') return [field, 'STAT_PREFIX_REDACTED'];
        if (field === 'socketAddress' && admin) return [field, { address: 'ADMIN_REDACTED', portValue: 0 }];
        return [masking(field, false) as string, masking(part, admin)];
      }),
  );
}

/** Filter chains, sorted: their order means nothing to Envoy. */
function ordered(value: Json): Json {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(ordered);
  const fields = Object.entries(value).map(([field, part]): [string, Json] => {
    const sorted = ordered(part);
    return [field, field === 'filterChains' && Array.isArray(sorted) ? sorted.toSorted(byText) : sorted];
  });
  return Object.fromEntries(fields.sort(([first], [second]) => (first < second ? -1 : 1)));
}

const byText = (first: Json, second: Json): number => (JSON.stringify(first) < JSON.stringify(second) ? -1 : 1);
