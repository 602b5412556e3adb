import assert from 'node:assert/strict';
import { test } from 'node:test';
import { closed, createResourceTypes, MeshError, parseResource } from '@ursa/resources';
import { Type } from 'typebox';
import { defineProxyPolicy, type HooksFor, inboundMatches } from '../src/index.ts';

const example = defineProxyPolicy({
  name: 'MeshExample',
  shortName: 'mex',
  summary: 'Shows how policies are defined.',
  targetRef: ['Mesh', 'Dataplane', 'MeshSubset'],
  to: ['Mesh', 'MeshService'],
  from: ['Mesh'],
  rules: inboundMatches,
  conf: closed({ limit: Type.Optional(Type.Integer({ default: 3 })), name: Type.Optional(Type.String()) }),
  checkConf(conf, report) {
    if (conf.name === '') report.add('name', 'must not be empty');
  },
});

const types = createResourceTypes([example.resourceType]);

function parse(spec: unknown) {
  return parseResource(types, { type: 'MeshExample', mesh: 'default', name: 'some', spec });
}

function violationsOf(spec: unknown): string[] {
  try {
    parse(spec);
  } catch (error) {
    if (error instanceof MeshError) return error.violations.map(({ field, message }) => `${field}: ${message}`);
    throw error;
  }
  return [];
}

test('from one definition come all names and traits of the type', () => {
  const { singularDisplayName, policy } = example.resourceType;
  const traits = ['isTargetRef', 'hasToTargetRef', 'hasFromTargetRef', 'hasRulesTargetRef', 'isFromAsRules'];
  assert.deepEqual(policy, Object.fromEntries(traits.map((trait) => [trait, true])));
  assert.equal(singularDisplayName, 'Mesh Example');
  assert.equal(types.byPath('meshexamples'), example.resourceType);
});

test('defaults of confs are filled in', () => {
  const { spec } = parse({ to: [{ targetRef: { kind: 'Mesh' }, default: { name: 'one' } }] });
  assert.deepEqual(spec, { to: [{ targetRef: { kind: 'Mesh' }, default: { name: 'one', limit: 3 } }] });
});

test('violations name the field from the document on', () => {
  const to = [{ targetRef: { kind: 'MeshSubset' }, default: { name: '' } }];
  assert.deepEqual(violationsOf({ to }), [
    "spec.to[0].targetRef.kind: value 'MeshSubset' is not supported",
    'spec.to[0].default.name: must not be empty',
  ]);
});

test('a policy must say something', () => {
  assert.deepEqual(violationsOf({ targetRef: { kind: 'Mesh' } }), [
    "spec: at least one of 'from', 'to' or 'rules' has to be defined",
  ]);
});

test('unknown fields are refused with the name that was probably meant', () => {
  const [violation = ''] = violationsOf({ to: [{ targetRef: { kind: 'Mesh' }, default: { limt: 1 } }] });
  assert.match(violation, /^spec\.to\[0\]\.default\.limt: unknown field; did you mean "limit"\?/);
});

test('deprecated lists and kinds are accepted with a warning', () => {
  const { type, ...draft } = parse({
    targetRef: { kind: 'MeshSubset', tags: { app: 'web' } },
    from: [{ targetRef: { kind: 'Mesh' }, default: {} }],
  });
  assert.deepEqual(types.byName(type)?.warn?.(draft.spec as never, draft), [
    "'from' field is deprecated, use 'rules' instead",
    "MeshSubset value for 'targetRef.kind' is deprecated, use Dataplane with labels instead",
  ]);
});

test('a policy without `to` cannot shape what a proxy sends, nor one without `from` and `rules` what it receives', () => {
  const inboundOnly: HooksFor<object, object, false, true> = {};
  const outboundOnly: HooksFor<object, object, true, false> = {};
  const noOutbound: undefined = inboundOnly.outbound ?? inboundOnly.cluster ?? inboundOnly.route;
  const noInbound: undefined = outboundOnly.inbound ?? outboundOnly.inboundRules;
  assert.deepEqual([noOutbound, noInbound], [undefined, undefined]);
});

test('only a policy with one conf for the whole proxy can shape all traffic and add to the proxy', () => {
  const inboundOnly: HooksFor<object, object, false, true> = {};
  const outboundOnly: HooksFor<object, object, true, false> = {};
  const whole: HooksFor<object, object, false, false> = { proxy: () => ({}) };
  const noTraffic: undefined = inboundOnly.traffic ?? inboundOnly.proxy ?? outboundOnly.traffic ?? outboundOnly.proxy;
  const noOther: undefined = whole.inbound ?? whole.outbound;
  assert.deepEqual([noTraffic, noOther], [undefined, undefined]);
});
