import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MeshError, parseResource } from '../src/index.ts';
import { exampleOf } from './examples.ts';
import { types } from './registry.ts';

/** Type, the path of the object in its example, what was typed, what was meant. */
const corpus: readonly (readonly [type: string, path: string, typed: string, meant: string])[] = [
  ['Mesh', '', 'mlts', 'mtls'],
  ['Mesh', '', 'Mtls', 'mtls'],
  ['Mesh', '', 'metric', 'metrics'],
  ['Mesh', '', 'meshService', 'meshServices'],
  ['Mesh', '', 'lables', 'labels'],
  ['Mesh', '', 'routng', 'routing'],
  ['Mesh', '', 'skipCreatingInitialPolicy', 'skipCreatingInitialPolicies'],
  ['Mesh', 'mtls', 'enabledBackends', 'enabledBackend'],
  ['Mesh', 'mtls', 'enableBackend', 'enabledBackend'],
  ['Mesh', 'mtls', 'backend', 'backends'],
  ['Mesh', 'mtls.backends.0', 'tpye', 'type'],
  ['Mesh', 'mtls.backends.0', 'dpcert', 'dpCert'],
  ['Mesh', 'mtls.backends.0', 'config', 'conf'],
  ['Mesh', 'mtls.backends.0.dpCert', 'rotaton', 'rotation'],
  ['Mesh', 'mtls.backends.0.conf.caCert', 'rsaBit', 'RSAbits'],
  ['Mesh', 'networking.outbound', 'passThrough', 'passthrough'],
  ['Mesh', 'routing', 'localityAwareLoadbalancing', 'localityAwareLoadBalancing'],
  ['Mesh', 'logging', 'defaultBackends', 'defaultBackend'],
  ['Mesh', 'constraints.dataplaneProxy', 'requirement', 'requirements'],
  ['Dataplane', '', 'networkng', 'networking'],
  ['Dataplane', '', 'network', 'networking'],
  ['Dataplane', '', 'creation_time', 'creationTime'],
  ['Dataplane', 'networking', 'adress', 'address'],
  ['Dataplane', 'networking', 'inbounds', 'inbound'],
  ['Dataplane', 'networking', 'outbounds', 'outbound'],
  ['Dataplane', 'networking', 'transparentProxing', 'transparentProxying'],
  ['Dataplane', 'networking', 'advertised_address', 'advertisedAddress'],
  ['Dataplane', 'networking.inbound.0', 'prot', 'port'],
  ['Dataplane', 'networking.inbound.0', 'tag', 'tags'],
  ['Dataplane', 'networking.inbound.0', 'serviceport', 'servicePort'],
  ['Dataplane', 'networking.inbound.0', 'servicePrope', 'serviceProbe'],
  ['Dataplane', 'networking.inbound.0.serviceProbe', 'intervall', 'interval'],
  ['Dataplane', 'networking.inbound.0.serviceProbe', 'unhealthyTreshold', 'unhealthyThreshold'],
  ['Dataplane', 'networking.outbound.1', 'backendRefs', 'backendRef'],
  ['Dataplane', 'networking.outbound.1.backendRef', 'nane', 'name'],
  ['Dataplane', 'networking.transparentProxying', 'redirect_port_inbound', 'redirectPortInbound'],
  ['Dataplane', 'networking.transparentProxying', 'reachableService', 'reachableServices'],
  ['Dataplane', 'probes.endpoints.0', 'inboundpath', 'inboundPath'],
  ['MeshService', '', 'sepc', 'spec'],
  ['MeshService', 'spec', 'port', 'ports'],
  ['MeshService', 'spec', 'selectors', 'selector'],
  ['MeshService', 'spec.selector', 'dataplaneTag', 'dataplaneTags'],
  ['MeshService', 'spec.ports.0', 'targetport', 'targetPort'],
  ['MeshService', 'spec.ports.0', 'protocol', 'appProtocol'],
  ['MeshExternalService', 'spec', 'endpoint', 'endpoints'],
  ['MeshExternalService', 'spec.tls', 'enable', 'enabled'],
  ['MeshExternalService', 'spec.tls', 'allowRenegociation', 'allowRenegotiation'],
  ['HostnameGenerator', 'spec', 'templates', 'template'],
  ['HostnameGenerator', 'spec.selector.meshService', 'matchLables', 'matchLabels'],
  ['TrafficPermission', '', 'source', 'sources'],
  ['TrafficRoute', 'conf', 'destinations', 'destination'],
  ['Retry', 'conf.http', 'numRetry', 'numRetries'],
  ['ZoneIngress', 'networking', 'advertisedAdress', 'advertisedAddress'],
];

test('fifty mistyped fields are each refused with their path and the field that was meant', () => {
  assert.ok(corpus.length >= 50);
  for (const [name, path, typed, meant] of corpus) {
    const type = types.byName(name);
    assert.ok(type);
    const document = exampleOf(name, type.specForm, type.scope);
    const place =
      path === '' ? document : path.split('.').reduce<unknown>((value, step) => (value as never)[step], document);
    (place as Record<string, unknown>)[typed] = 'x';
    const error = refusalOf(document);
    const field = [...path.split('.'), typed]
      .filter((step) => step !== '')
      .join('.')
      .replaceAll(/\.(\d+)/g, '[$1]');
    const violation = error.violations.find((found) => found.field === field);
    assert.ok(violation, `${name} ${field}: ${JSON.stringify(error.violations)}`);
    assert.match(violation.message, new RegExp(`did you mean ${JSON.stringify(meant)}\\?`), `${name} ${field}`);
  }
});

test('a mistyped type is refused with the type that was meant', () => {
  assert.match(
    refusalOf({ type: 'Dataplan', name: 'a' }).message,
    /unknown resource type "Dataplan"; did you mean "Dataplane"\?/,
  );
  assert.match(refusalOf({ name: 'a' }).message, /type: has to be set/);
});

test('a field that is like no other is refused with the fields that are known', () => {
  const [violation] = refusalOf({ type: 'Zone', name: 'a', qqqqqqqq: 1 }).violations;
  assert.equal(violation?.field, 'qqqqqqqq');
  assert.match(violation?.message ?? '', /^unknown field; known here: enabled, type, /);
});

function refusalOf(document: unknown): MeshError {
  try {
    parseResource(types, document);
  } catch (error) {
    assert.ok(error instanceof MeshError);
    assert.equal(error.code, 'invalid');
    return error;
  }
  assert.fail(`was accepted: ${JSON.stringify(document)}`);
}
