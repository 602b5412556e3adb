// Rules that the recorded data does not reach.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  checkTags,
  collectViolations,
  inboundProtocol,
  inboundServicePort,
  isDnsName,
  isIp,
  MeshError,
  parseGoTemplate,
  parseResource,
  renderGoTemplate,
  servicesOf,
  tagSetOf,
} from '../src/index.ts';
import { exampleOf } from './examples.ts';
import { types } from './registry.ts';

function violationsOf(document: Record<string, unknown>): Record<string, string> {
  try {
    parseResource(types, { mesh: 'default', name: 'a', ...document });
    return {};
  } catch (error) {
    assert.ok(error instanceof MeshError);
    return Object.fromEntries(error.violations.map(({ field, message }) => [field, message]));
  }
}

test('a mesh may trust several certificate authorities, of which one issues', () => {
  const backends = [
    { name: 'old', type: 'builtin' },
    { name: 'new', type: 'builtin' },
  ];
  assert.deepEqual(violationsOf({ type: 'Mesh', mtls: { enabledBackend: 'new', backends } }), {});
  assert.deepEqual(violationsOf({ type: 'Mesh', mtls: { enabledBackend: 'other', backends } }), {
    'mtls.enabledBackend': 'has to be set to one of the backends in the mesh',
  });
});

test('a typo within a backend is found too', () => {
  const mtls = { backends: [{ name: 'a', type: 'builtin', conf: { caCert: { rsaBitz: 2048 } } }] };
  assert.match(
    violationsOf({ type: 'Mesh', mtls })['mtls.backends[0].conf.caCert.rsaBitz'] ?? '',
    /did you mean "RSAbits"/,
  );
});

test("fields of backends are called as in the peer's messages", () => {
  const caCert = { RSAbits: 2048, expiration: '10y' };
  const mtls = { enabledBackend: 'a', backends: [{ name: 'a', type: 'builtin', conf: { caCert } }] };
  assert.deepEqual(violationsOf({ type: 'Mesh', mtls }), {});
  for (const mode of ['activeMTLSBackend', 'providedTLS', 'disabled']) {
    const backends = [{ name: 'p', type: 'prometheus', conf: { port: 5670, path: '/metrics', tls: { mode } } }];
    assert.deepEqual(violationsOf({ type: 'Mesh', metrics: { enabledBackend: 'p', backends } }), {}, mode);
  }
});

test('an egress needs mTLS', () => {
  assert.deepEqual(violationsOf({ type: 'Mesh', routing: { zoneEgress: true } }), {
    mtls: 'has to be set when zoneEgress enabled',
  });
});

test('ports of a proxy must not meet its admin port on loopback', () => {
  const networking = {
    address: '127.0.0.1',
    admin: { port: 9901 },
    inbound: [{ port: 9901, servicePort: 80, tags: { 'kuma.io/service': 'a' } }],
    outbound: [{ port: 9901, tags: { 'kuma.io/service': 'b' } }],
  };
  assert.equal(violationsOf({ type: 'Dataplane', networking })['networking.admin.port'], 'must differ from outbound');
  const apart = { ...networking, admin: { port: 9902 } };
  assert.deepEqual(violationsOf({ type: 'Dataplane', networking: apart }), {});
});

test('ports of a proxy that its Envoy listens at are ones', () => {
  const inbound = [{ port: 80, tags: { 'kuma.io/service': 'a' } }];
  const places = (changed: object) =>
    violationsOf({ type: 'Dataplane', networking: { address: '10.0.0.1', inbound, ...changed } });
  assert.deepEqual(places({ admin: { port: 0 }, transparentProxying: { redirectPortInbound: 65535 } }), {});
  const range = 'port must be in the range [1, 65535]';
  assert.deepEqual(places({ admin: { port: 65536 }, transparentProxying: { redirectPortInbound: 70000 } }), {
    'networking.admin.port': range,
    'networking.transparentProxying.redirectPortInbound': range,
  });
  assert.deepEqual(
    violationsOf({ type: 'ZoneEgress', networking: { address: '10.0.0.1', port: 1, admin: { port: 65536 } } }),
    { 'networking.admin.port': range },
  );
});

test('both ports of redirection differ', () => {
  const networking = {
    address: '10.0.0.1',
    inbound: [{ port: 80, tags: { 'kuma.io/service': 'a' } }],
    transparentProxying: { redirectPortInbound: 15006, redirectPortOutbound: 15006 },
  };
  assert.deepEqual(violationsOf({ type: 'Dataplane', networking }), {
    'networking.transparentProxying.redirectPortOutbound': 'must differ from redirectPortInbound',
  });
});

test('the server name of an ExternalService is one that TLS can say', () => {
  const withName = (serverName: string) =>
    violationsOf({
      type: 'ExternalService',
      tags: { 'kuma.io/service': 'a' },
      networking: { address: 'a.example:1', tls: { enabled: true, serverName } },
    });
  for (const name of ['a'.repeat(255), '']) assert.deepEqual(withName(name), {});
  for (const name of ['a'.repeat(256), 'a\0'])
    assert.deepEqual(withName(name), {
      'networking.tls.serverName': 'must be a server name of at most 255 characters',
    });
});

test('an advertised address of an ingress comes with its port', () => {
  const networking = { address: '10.0.0.1', port: 10001, advertisedAddress: 'example.org' };
  assert.deepEqual(violationsOf({ type: 'ZoneIngress', networking }), {
    'networking.advertisedPort': 'has to be defined with advertisedAddress',
  });
});

test('names that will be refused one day are warned of', () => {
  const type = types.byName('MeshService');
  assert.ok(type);
  const draft = parseResource(types, { ...exampleOf('MeshService', 'nested', 'Mesh'), name: 'a.b' });
  const warnings = type.warn?.(draft.spec as never, draft) ?? [];
  assert.equal(warnings.length, 2);
  assert.match(warnings[0] ?? '', /^Invalid MeshService resource name: 'a.b'. It does not conform to the DNS format/);
  assert.match(warnings[1] ?? '', /^Invalid MeshService SNI \(port "http"\): name "a.b" .* must not contain dots/);
});

test('a wildcard matches where selectors are, and nowhere else', () => {
  const check = (rules: Parameters<typeof checkTags>[3]): number => {
    const violations = collectViolations();
    checkTags(violations, 'tags', { version: '*' }, rules);
    return violations.all.length;
  };
  assert.equal(check({}), 1);
  assert.equal(check({ wildcard: true }), 0);
});

test('addresses and host names are told apart', () => {
  for (const address of ['127.0.0.1', '::1', '::', '2001:db8::1', '::ffff:1.2.3.4', '1:2:3:4:5:6:7:8'])
    assert.ok(isIp(address), address);
  for (const text of [
    '256.0.0.1',
    '1.2.3',
    '1.2.3.4.',
    ':::',
    '1::2::3',
    '12345::',
    '1:2:3:4:5:6:7',
    '::1.2.3',
    'g::',
  ]) {
    assert.equal(isIp(text), false, text);
  }
  for (const name of ['localhost', 'a.b.example.com', 'example.com.', 'a_b.c']) assert.ok(isDnsName(name), name);
  for (const text of ['', '1.2.3.4', 'a..b', '-a.b', 'a b', 'not an ip!', `${'a'.repeat(64)}.b`])
    assert.equal(isDnsName(text), false, text);
});

test('templates print fields and labels, and say what they cannot read', () => {
  const render = (text: string): string | undefined => {
    const parsed = parseGoTemplate(text);
    if ('problem' in parsed) return parsed.problem;
    return renderGoTemplate(parsed.template, {
      fields: { Name: 'web' },
      label: (name) => (name === 'team' ? 'a' : undefined),
    });
  };
  assert.equal(render('{{ .Name }}.{{label "team"}}.mesh'), 'web.a.mesh');
  assert.equal(render('{{ .Other }}'), '<no value>');
  assert.equal(render('{{ .constructor }}'), '<no value>');
  assert.equal(render('{{ label "nope" }}'), undefined);
  assert.equal(render('{{ .Name'), 'template: :1: unclosed action');
  assert.equal(render('{{ nope }}'), 'template: :1: function "nope" not defined');
  assert.equal(render('{{ .Name|1 }}'), 'template: :1: non executable command in pipeline stage 2');
});

test('the readings of a proxy fill in what it leaves out', () => {
  const inbound = { port: 80, tags: { 'kuma.io/service': 'web', 'kuma.io/protocol': 'HTTP', version: '1' } };
  const spec = { networking: { inbound: [inbound, { port: 81, tags: { 'kuma.io/service': 'api', version: '2' } }] } };
  assert.equal(inboundProtocol(inbound), 'http');
  assert.equal(inboundProtocol({ port: 1 }), 'tcp');
  assert.equal(inboundServicePort({ port: 80, servicePort: 8080 }), 8080);
  assert.deepEqual(servicesOf(spec), ['api', 'web']);
  assert.deepEqual(
    [...tagSetOf(spec)],
    [
      ['kuma.io/protocol', ['HTTP']],
      ['kuma.io/service', ['api', 'web']],
      ['version', ['1', '2']],
    ],
  );
});

test('an extension of a HostnameGenerator needs a type, and says that it has no effect', () => {
  const type = types.byName('HostnameGenerator');
  assert.ok(type);
  const generator = (extension?: object) => {
    const selector = { meshService: { matchLabels: { app: 'web' } } };
    return { selector, template: '{{ .Name }}.mesh', ...(extension === undefined ? {} : { extension }) };
  };
  const context = { name: 'own', mesh: '', labels: {} } as never;
  assert.deepEqual(type.warn?.(generator() as never, context), []);
  const [warning] = type.warn?.(generator({ type: 'Acme', config: {} }) as never, context) ?? [];
  assert.match(warning ?? '', /^spec\.extension: "Acme" has no effect/);
  const [violation] = type.validate?.(generator({ type: '' }) as never, context) ?? [];
  assert.equal(violation?.field, 'spec.extension.type');
});

test('certificates of a MeshExternalService that are no PEM are warned of, as bytes and as text', () => {
  const type = types.byName('MeshExternalService');
  assert.ok(type);
  const context = { mesh: 'default', name: 'a', labels: {} };
  const warningsOf = (verification: object): readonly string[] => {
    const endpoints = [{ address: 'example.com', port: 443 }];
    const spec = { match: { port: 443 }, endpoints, tls: { enabled: true, verification } };
    return type.warn?.(spec as never, context as never) ?? [];
  };
  // The outline of a certificate, with nothing in it.
  const pem = `-----BEGIN CERTIFICATE-----\nMBMwDQIBATAAMAAwADAAMAAwAAMA\n-----END CERTIFICATE-----\n`;
  assert.deepEqual(warningsOf({ caCert: { inlineString: pem }, clientCert: { inline: btoa(pem) } }), []);
  assert.deepEqual(warningsOf({ caCert: { secret: 'ca' } }), []);
  const cut = pem.replace(/.{8}\n-----END/, '\n-----END');
  for (const [verification, expected] of [
    [{ caCert: { inlineString: cut } }, /caCert.inlineString has no certificate in part 1 that can be read/],
    [{ caCert: { inlineString: pem + cut } }, /has no certificate in part 2/],
    [{ clientKey: { inlineString: pem } }, /clientKey.inlineString is no PEM: expected .*BEGIN PRIVATE KEY/],
    [{ clientKey: { inlineString: pem.replaceAll('CERTIFICATE', 'PRIVATE KEY') } }, /has no key that can be read/],
    [{ clientKey: { inlineString: '-----BEGIN ENCRYPTED PRIVATE KEY-----' } }, /is an encrypted key/],
  ] as const) {
    assert.match(warningsOf(verification).join(), expected);
  }
  assert.deepEqual(
    warningsOf({ caCert: { inlineString: 'ca.pem' }, clientKey: { inline: btoa('key.pem') } }).map(
      (text) => text.split(':')[0],
    ),
    ['spec.tls.verification.caCert.inlineString is no PEM', 'spec.tls.verification.clientKey.inline is no PEM'],
  );
});

test('what of a service does nothing is warned of', () => {
  const warningsOf = (name: string, spec: object): readonly string[] => {
    const context = { mesh: 'default', name: 'a', labels: {} };
    const found = types.byName(name)?.warn?.(spec as never, context as never) ?? [];
    return found.map((text) => text.split(', ')[0] ?? '');
  };
  const selector = { dataplaneTags: { 'kuma.io/service': 'a' } };
  assert.deepEqual(warningsOf('MeshService', { selector, ports: [{ port: 80, appProtocol: 'HTTP' }] }), []);
  assert.deepEqual(warningsOf('MeshService', { selector: {}, ports: [{ port: 80, appProtocol: 'htpp' }] }), [
    'spec.selector: it selects nobody; expected dataplaneTags',
    'spec.ports[0].appProtocol: "htpp" is no protocol',
  ]);
  assert.deepEqual(warningsOf('MeshService', { selector }), ['spec.ports: it has none']);
  const [match, endpoints] = [{ port: 443 }, [{ address: 'example.com', port: 443 }]];
  const external = (verification: object, enabled?: boolean) =>
    warningsOf('MeshExternalService', {
      match,
      endpoints,
      tls: { ...(enabled === true ? { enabled } : {}), verification },
    });
  const names = { subjectAltNames: [{ value: 'example.com' }] };
  assert.deepEqual(external({ mode: 'Secured', caCert: { secret: 'ca' }, ...names }, true), []);
  assert.deepEqual(external({ serverName: 'example.com' }), ['spec.tls: enabled is not true']);
  const ignored = (field: string) => `spec.tls.verification.${field}: it has no effect`;
  assert.deepEqual(external({ mode: 'SkipSAN', caCert: { secret: 'ca' }, ...names }, true), [
    ignored('subjectAltNames'),
  ]);
  assert.deepEqual(external({ mode: 'SkipAll', caCert: { secret: 'ca' }, ...names }, true), [
    ignored('caCert'),
    ignored('subjectAltNames'),
  ]);
  const older = (tls: object) => warningsOf('ExternalService', { networking: { address: 'example.com:443', tls } });
  assert.deepEqual(older({ enabled: true, caCert: { secret: 'ca' } }), []);
  assert.deepEqual(older({ caCert: { secret: 'ca' } }), ['networking.tls: enabled is not true']);
});

test('ports of services are ports: no proxy could take an outbound at another', () => {
  const fieldsOf = (name: string, spec: object) =>
    types
      .byName(name)
      ?.validate?.(spec as never, { name: 'own', mesh: 'default', labels: {} } as never)
      .map(({ field, message }) => `${field}: ${message}`);
  const ports = [80, 0, 65_536, -4, 65_535].map((port) => ({ port, appProtocol: 'http' }));
  const expected = [1, 2, 3].map((index) => `spec.ports[${index}].port: port must be in the range [1, 65535]`);
  assert.deepEqual(fieldsOf('MeshService', { ports }), expected);
  const selector = { meshService: { matchLabels: { app: 'web' } } };
  assert.deepEqual(fieldsOf('MeshMultiZoneService', { selector, ports }), expected);
});

test('a template of host names that nobody can look up is warned of', () => {
  const warningsOf = (template: string) =>
    types
      .byName('HostnameGenerator')
      ?.warn?.({ selector: {}, template } as never, { name: 'own', mesh: '', labels: {} } as never);
  const useful =
    '{{ .DisplayName }}_{{ .Namespace }}.{{ label "team" }}.{{ .Zone }}.{{ .Mesh }}.{{ .Name }}.Mesh.local';
  assert.deepEqual(warningsOf(useful), []);
  assert.match(
    warningsOf('{{ .Nope }}.mesh')?.[0] ?? '',
    /^spec\.template: \.Nope prints "<no value>": there are \.Name, /,
  );
  assert.match(warningsOf('{{ .Name }}_!!.mesh')?.[0] ?? '', /such as "x_!!\.mesh", which nobody can look up/);
});

test('what a list names twice, though only one can be meant, is taken as the peer takes it, and warned of', () => {
  const judge = (name: string, spec: object) => {
    const type = types.byName(name);
    const context = { name: 'own', mesh: 'default', labels: {} };
    assert.deepEqual(type?.validate?.(spec as never, context as never), []);
    return type?.warn?.(spec as never, context as never);
  };
  const port = (number: number, name?: string) => ({ port: number, appProtocol: 'tcp', ...(name && { name }) });
  const ports = [port(80, 'a'), port(81), port(80, 'b'), port(82, 'a'), port(83)];
  const expected = [
    'spec.ports[2]: port 80 is that of spec.ports[0] too: only the first of them counts',
    'spec.ports[3]: name "a" is that of spec.ports[0] too: give each port a name of its own',
  ];
  const everyone = { dataplaneTags: { 'kuma.io/service': 'a' } };
  assert.deepEqual(judge('MeshService', { selector: everyone, ports }), expected);
  const selector = { meshService: { matchLabels: { app: 'web' } } };
  assert.deepEqual(judge('MeshMultiZoneService', { selector, ports }), expected);
  assert.deepEqual(judge('MeshService', { selector: everyone, ports: ports.slice(0, 2) }), []);
  const tags = { 'kuma.io/service': 'a' };
  const networking = {
    address: '10.0.0.1',
    inbound: [
      { port: 80, tags },
      { port: 80, address: '10.0.0.2', tags },
      { port: 80, address: '10.0.0.1', servicePort: 90, tags },
    ],
    outbound: [
      { port: 1000, tags },
      { port: 1000, address: '127.0.0.2', tags },
      { port: 1000, address: '127.0.0.1', tags },
    ],
  };
  assert.deepEqual(judge('Dataplane', { networking }), [
    'networking.inbound[2]: 10.0.0.1:80 is that of networking.inbound[0] too: only the last of them is served',
    'networking.outbound[2]: 127.0.0.1:1000 is that of networking.outbound[0] too: only the last of them is served',
  ]);
});
