// What users write at the wrong level, in the wrong form or without its unit: the refusal says where it belongs and what to write.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MeshError, parseResource, parseYamlDocuments } from '../src/index.ts';
import { types } from './registry.ts';

function refusalOf(document: unknown): Record<string, string> {
  try {
    parseResource(types, document);
  } catch (error) {
    assert.ok(error instanceof MeshError);
    return Object.fromEntries(error.violations.map(({ field, message }) => [field, message]));
  }
  assert.fail(`was accepted: ${JSON.stringify(document)}`);
}

const head = { mesh: 'default', name: 'a' };

test('a field one level too high, too low or beside its place is told where it belongs', () => {
  const found = refusalOf({
    ...{ type: 'MeshIdentity', ...head },
    spec: {
      selector: { matchLabels: {}, dataplane: { matchLabels: {}, trustDomain: 'x' } },
      provider: { type: 'Bundled', ca: {}, bundled: { spiffeID: {} } },
    },
  });
  assert.match(found['spec.selector.matchLabels'] ?? '', /; "matchLabels" belongs into spec\.selector\.dataplane$/);
  assert.match(found['spec.provider.ca'] ?? '', /; "ca" belongs into spec\.provider\.bundled$/);
  assert.match(found['spec.provider.bundled.spiffeID'] ?? '', /; "spiffeID" belongs into spec$/);
  assert.match(found['spec.selector.dataplane.trustDomain'] ?? '', /; "trustDomain" belongs into spec\.spiffeID$/);
});

test('places in lists are those of the document', () => {
  const found = refusalOf({
    ...{ type: 'Dataplane', ...head },
    networking: {
      address: '192.0.2.1',
      inbound: [
        { port: 80, tags: { 'kuma.io/service': 'a' } },
        { port: 81, healthyThreshold: 2 },
      ],
    },
  });
  const message = found['networking.inbound[1].healthyThreshold'] ?? '';
  assert.match(message, /"healthyThreshold" belongs into networking\.inbound\[1\]\.serviceProbe$/);
});

test('a name that many objects have is not sent anywhere', () => {
  const found = refusalOf({ type: 'Mesh', name: 'a', constraints: { conf: {} } });
  assert.doesNotMatch(found['constraints.conf'] ?? '', /belongs/);
});

test('fields of a spec beside it, and a spec where there is none', () => {
  const beside = refusalOf({ type: 'HostnameGenerator', name: 'a', template: 'x.mesh' });
  assert.equal(beside.template, 'unknown field; "template" belongs into spec');
  const within = refusalOf({ type: 'Mesh', name: 'a', spec: { mtls: {} } });
  assert.equal(within.spec, 'unknown field; the fields of a Mesh stand beside its name');
});

test('the two forms: what is missing of the one, or was taken from the other', () => {
  assert.match(refusalOf({ apiVersion: 'kuma.io/v1alpha1', metadata: { name: 'a' } }).kind ?? '', /^has to be set/);
  const cut = refusalOf({ kind: 'MeshService', metadata: { name: 'a' } });
  assert.match(cut.apiVersion ?? '', /^has to be kuma\.io\/v1alpha1 in a document with kind/);
  const mixed = refusalOf({ type: 'MeshService', metadata: { name: 'a' }, spec: {} });
  assert.match(mixed.metadata ?? '', /name, mesh and labels stand at the top/);
});

test('an apiVersion above the universal form is passed over', () => {
  const generator = { selector: { meshService: {} }, template: '{{ .Name }}.mesh' };
  const documents = [
    { type: 'Mesh', name: 'a', apiVersion: 'kuma.io/v1alpha1' },
    { type: 'HostnameGenerator', name: 'a', apiVersion: 'kuma.io/v1alpha1', spec: generator },
  ];
  for (const document of documents) {
    const { apiVersion: _apiVersion, ...plain } = document;
    assert.deepEqual(parseResource(types, document), parseResource(types, plain));
  }
});

test('numbers: a duration without its unit, a number in quotes, a list for a number or a name', () => {
  const inbound = { port: '80', tags: { 'kuma.io/service': 'a' } };
  const port = { port: '80', targetPort: { value: 8080 } };
  const service = refusalOf({ type: 'MeshService', ...head, spec: { ports: [port] } });
  assert.equal(service['spec.ports[0].port'], 'in body must be of type integer: "string"; write it without quotes');
  assert.equal(service['spec.ports[0].targetPort'], 'in body must be of type integer or string: "object"');
  // The older types travel as protobuf, where quoted numbers are numbers.
  const dataplane = { type: 'Dataplane', ...head, networking: { address: '192.0.2.1', inbound: [inbound] } };
  assert.equal(parseResource(types, dataplane).name, 'a');
  const provider = { type: 'Bundled', bundled: { certificateParameters: { expiry: 24 } } };
  const identity = refusalOf({ type: 'MeshIdentity', ...head, spec: { provider } });
  assert.equal(
    identity['spec.provider.bundled.certificateParameters.expiry'],
    'in body must be of type string: "number"; a duration has a unit, such as 24s',
  );
});

test("the peer's paths with steps of their own lead to the line at fault", () => {
  const text = ['to:', '  - default:', '      http:', '        retryOn:', '          - 5XX'].join('\n');
  const [document] = parseYamlDocuments(text, { source: 'a.yaml' });
  assert.equal(document?.positionOf('to[0].default.conf.http.retryOn[0]').line, 5);
  assert.equal(document?.positionOf('to.items[0].default.http').line, 3);
});
