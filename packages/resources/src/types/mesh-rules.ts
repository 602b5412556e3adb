// What a Mesh's schema cannot say: backends by type, and that the enabled ones exist.
import type { Violation } from '../error.ts';
import { checkTags } from '../tags.ts';
import { allowedValues, collectViolations, type ViolationList } from '../violations.ts';
import { checkAuthorityConf } from './authority-conf.ts';
import type { MeshSpec } from './mesh.ts';
import { checkBackendConf } from './mesh-backend-conf.ts';

interface NamedBackend {
  readonly name?: string;
  readonly type?: string;
  readonly conf?: Readonly<Record<string, unknown>>;
}

/** All violations of a Mesh, in the order of its fields. */
export function validateMesh(spec: MeshSpec): readonly Violation[] {
  const violations = collectViolations();
  checkMtls(violations, spec);
  checkLogging(violations, spec);
  checkTracing(violations, spec);
  checkMetrics(violations, spec);
  const { requirements, restrictions } = spec.constraints?.dataplaneProxy ?? {};
  for (const [name, matches] of Object.entries({ requirements, restrictions })) {
    for (const [index, { tags }] of (matches ?? []).entries()) {
      checkTags(violations, `constraints.dataplaneProxy.${name}[${index}].tags`, tags, {
        atLeastOne: true,
        wildcard: true,
      });
    }
  }
  if (spec.routing?.zoneEgress === true && spec.mtls?.enabledBackend === undefined) {
    violations.add('mtls', 'has to be set when zoneEgress enabled');
  }
  return violations.all;
}

/** Checks that names are given and differ; returns them. */
function checkNames(violations: ViolationList, field: string, backends: readonly NamedBackend[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (const [index, { name = '' }] of backends.entries()) {
    if (name === '') violations.add(`${field}.backends[${index}].name`, 'cannot be empty');
    if (names.has(name))
      violations.add(
        `${field}.backends[${index}].name`,
        `${JSON.stringify(name)} name is already used for another backend`,
      );
    names.add(name);
  }
  return names;
}

const authorityTypes: ReadonlySet<string> = new Set(['builtin', 'provided', 'vault', 'acmpca']);

function checkMtls(violations: ViolationList, { mtls }: MeshSpec): void {
  if (mtls === undefined) return;
  const backends = mtls.backends ?? [];
  const names = checkNames(violations, 'mtls', backends);
  if (mtls.enabledBackend !== undefined && !names.has(mtls.enabledBackend)) {
    violations.add('mtls.enabledBackend', 'has to be set to one of the backends in the mesh');
  }
  for (const [index, backend] of backends.entries()) {
    const field = `mtls.backends[${index}]`;
    const { type = '', conf } = backend;
    if (!authorityTypes.has(type)) {
      violations.add(`${field}.type`, 'could not find installed plugin for this type');
      continue;
    }
    const expiration = backend.dpCert?.rotation?.expiration;
    if (expiration !== undefined && !isLongDuration(expiration)) {
      violations.add('mtls.dpcert.rotation.expiration', 'has to be a valid format');
    }
    checkBackendConf(violations, `${field}.conf`, type, conf);
    checkAuthorityConf(violations, `${field}.conf`, type, conf);
  }
}

/** `24h`, but also days, weeks and years: `30d`, `1y2w`. */
function isLongDuration(text: string): boolean {
  return text !== '' && /^(\d+y)?(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?$/.test(text);
}

function checkLogging(violations: ViolationList, { logging }: MeshSpec): void {
  if (logging === undefined) return;
  const backends = logging.backends ?? [];
  for (const [index, { type, conf = {} }] of backends.entries()) {
    const field = `logging.backends[${index}]`;
    checkBackendConf(violations, `${field}.conf`, type, conf);
    if (type === 'file') requireText(violations, `${field}.config.path`, conf.path);
    else if (type === 'tcp') checkHostPort(violations, `${field}.config.address`, conf.address);
    else violations.add(`${field}.type`, 'unknown backend type. Available backends: "tcp", "file"');
  }
  const names = checkNames(violations, 'logging', backends);
  if (logging.defaultBackend !== undefined && !names.has(logging.defaultBackend)) {
    violations.add('logging.defaultBackend', 'has to be set to one of the logging backend in mesh');
  }
}

function checkHostPort(violations: ViolationList, field: string, address: unknown): void {
  if (typeof address !== 'string' || address === '') violations.add(field, 'cannot be empty');
  else if (!/^(\[[^\]]+\]|[^:]+):[^:]+$/.test(address)) violations.add(field, 'has to be in format of HOST:PORT');
}

function requireText(violations: ViolationList, field: string, value: unknown): void {
  if (typeof value !== 'string' || value === '') violations.add(field, 'cannot be empty');
}

const zipkinVersions = ['httpJsonV1', 'httpJson', 'httpProto'];

function checkTracing(violations: ViolationList, { tracing }: MeshSpec): void {
  if (tracing === undefined) return;
  const backends = tracing.backends ?? [];
  for (const [index, { type, sampling = 100, conf = {} }] of backends.entries()) {
    const field = `tracing.backends[${index}]`;
    checkBackendConf(violations, `${field}.conf`, type, conf);
    if (sampling < 0 || sampling > 100) violations.add(`${field}.sampling`, 'has to be in [0.0 - 100.0] range');
    if (type === 'zipkin') checkZipkin(violations, `${field}.config`, conf);
    else if (type === 'datadog') requireText(violations, `${field}.config.address`, conf.address);
    else violations.add(`${field}.type`, 'unknown backend type. Available backends: "zipkin", "datadog"');
  }
  const names = checkNames(violations, 'tracing', backends);
  if (tracing.defaultBackend !== undefined && !names.has(tracing.defaultBackend)) {
    violations.add('tracing.defaultBackend', 'has to be set to one of the tracing backend in mesh');
  }
}

function checkZipkin(violations: ViolationList, field: string, conf: Readonly<Record<string, unknown>>): void {
  const { url, apiVersion } = conf;
  if (typeof url !== 'string' || url === '') violations.add(`${field}.url`, 'cannot be empty');
  else if (!/^[a-z][a-z0-9+.-]*:\/\/[^/\s]+\S*$/i.test(url)) violations.add(`${field}.url`, 'invalid URL');
  else if (!/^[^/]+\/\/[^/]*:\d+(\/|$)/.test(url))
    violations.add(`${field}.url`, 'port has to be explicitly specified');
  if (apiVersion !== undefined && !zipkinVersions.includes(String(apiVersion))) {
    violations.add(`${field}.apiVersion`, `has invalid value. ${allowedValues(zipkinVersions)}`);
  }
}

function checkMetrics(violations: ViolationList, { metrics }: MeshSpec): void {
  if (metrics === undefined) return;
  const backends = metrics.backends ?? [];
  const names = checkNames(violations, 'metrics', backends);
  if (metrics.enabledBackend !== undefined && !names.has(metrics.enabledBackend)) {
    violations.add('metrics.enabledBackend', 'has to be set to one of the backends in the mesh');
  }
  for (const [index, { type, conf }] of backends.entries()) {
    const field = `metrics.backends[${index}]`;
    if (type === 'prometheus') checkBackendConf(violations, `${field}.conf`, type, conf);
    else violations.add(`${field}.type`, 'unknown backend type. Available backends: "prometheus"');
  }
}
