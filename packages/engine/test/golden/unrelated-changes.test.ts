// A change reaches the proxies that it concerns, and leaves the others their configuration, the very same object: recorded cases of the peer's, where its cache of a mesh is or is not built anew.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { createWorld } from '../world.ts';

const set = join(import.meta.dirname, '../../../../../shared/conformance/golden/xds-context-change');
const skip = !existsSync(set) && 'the conformance corpus is not beside the repository';

interface Case {
  readonly id: string;
  readonly input: string;
  readonly change: string;
  readonly mustChange: boolean;
  readonly mesh?: string;
}

type Document = Readonly<Record<string, unknown>> & {
  readonly type: string;
  readonly mesh?: string;
  readonly name: string;
};

/** Cases that must change in ways that are not ours; docs/conformance.md says why. */
const notPlayed: Readonly<Record<string, string>> = {
  'globalcontext_hash/added-mesh.input.yaml': 'a list of all meshes is read by no proxy',
  'globalcontext_hash/ingress-change.input.yaml': 'traffic to other zones is not there yet',
  'meshcontext_hash/ingress-change.input.yaml': 'traffic to other zones is not there yet',
  'meshcontext_hash/gateway-change.input.yaml': 'built-in gateways are not there yet',
  'meshcontext_hash/xmesh-gateway-dp-change.input.yaml': 'built-in gateways are not there yet',
};

const cases: readonly Case[] =
  skip === false
    ? (JSON.parse(readFileSync(join(set, 'cases.json'), 'utf8')) as { readonly cases: readonly Case[] }).cases
    : [];

/** The documents of a file, with what the peer drops from them unseen read as it was meant. A `Config` is of the control plane itself, and no resource of a mesh. */
function documentsOf(file: string): readonly Document[] {
  return parseAllDocuments(readFileSync(join(set, file), 'utf8'))
    .flatMap((document) => (document.toJS() as Document) ?? [])
    .filter(({ type }) => type !== 'Config')
    .map(asMeant);
}

function asMeant(document: Document): Document {
  if (document.type === 'Mesh' && document.conf !== undefined) {
    const { conf, ...mesh } = document as Document & {
      readonly conf: { readonly mtls: { readonly backends: object } };
    };
    return { ...mesh, mtls: { ...conf.mtls, backends: [conf.mtls.backends] } };
  }
  if (document.type === 'ZoneIngress') {
    const { availableServices, ...ingress } = document as Document & { readonly availableServices: readonly object[] };
    const services = availableServices.map((service) =>
      Object.fromEntries(Object.entries(service).filter(([field]) => field !== 'zone')),
    );
    return { ...ingress, availableServices: services };
  }
  return document;
}

/** A proxy of each mesh that only stands by: some cases have none of their own. */
const bystander = (mesh: string): Document => ({
  type: 'Dataplane',
  mesh,
  name: 'bystander',
  networking: {
    address: '127.0.0.9',
    inbound: [{ port: 8080, tags: { 'kuma.io/service': 'bystander' } }],
    outbound: [{ port: 9090, tags: { 'kuma.io/service': 'foo' } }],
  },
});

/** Plays a case with all its proxies connected: which of them keep their configuration, by `mesh/name`. */
function play({ input, change }: Case): ReadonlyMap<string, boolean> {
  const world = createWorld();
  const before = documentsOf(input);
  const all = [...before, ...before.flatMap(({ type, name }) => (type === 'Mesh' ? [bystander(name)] : []))];
  for (const document of all) world.apply(document);
  world.settle();
  const keys = all.flatMap(({ type, mesh = '', name }) => (type === 'Dataplane' ? [world.connect(mesh, name)] : []));
  // As a connected proxy's stream does: what nobody watches is computed anew each time that it is read.
  for (const key of keys) world.graph.watch(world.engine.config, [key], () => {});
  const configs = keys.map((key) => world.engine.config.get(key));
  for (const document of documentsOf(change)) world.apply(document);
  const isKept = new Map(keys.map((key, index) => [key, world.engine.config.get(key) === configs[index]]));
  for (const [index, key] of keys.entries()) assert.ok(configs[index] !== undefined, key);
  return isKept;
}

test('what does not concern the proxies of a mesh changes nothing of theirs', { skip }, () => {
  let compared = 0;
  for (const each of cases.filter(({ mustChange }) => !mustChange)) {
    for (const [key, isKept] of play(each)) {
      // The peer speaks of one mesh, or of what all meshes share; the proxy that is itself changed is of another.
      if (each.mesh !== undefined && !key.startsWith(`${each.mesh}/`)) continue;
      assert.ok(isKept, `${each.id}: ${key}`);
      compared += 1;
    }
  }
  assert.ok(skip !== false || compared > 0);
});

test('what concerns a mesh changes all its proxies, and none of another mesh', { skip }, () => {
  let compared = 0;
  for (const each of cases.filter(({ id, mustChange }) => mustChange && notPlayed[id] === undefined)) {
    const changed = documentsOf(each.change).map(({ name }) => name);
    for (const [key, isKept] of play(each)) {
      assert.equal(isKept, !changed.includes(key.split('/')[0] ?? ''), `${each.id}: ${key}`);
      compared += 1;
    }
  }
  assert.ok(skip !== false || compared > 0);
});

test('each case is played, or said not to be', { skip }, () => {
  const known = new Set(cases.filter(({ mustChange }) => mustChange).map(({ id }) => id));
  for (const id of Object.keys(notPlayed)) assert.ok(known.has(id), id);
  // What is said not to be played changes nothing here; once it does, it is to be played.
  for (const each of cases.filter(({ id }) => notPlayed[id] !== undefined)) {
    for (const [key, isKept] of play(each))
      assert.ok(isKept, `${each.id}: ${key} changes now; take the case out of notPlayed and docs/conformance.md`);
  }
});
