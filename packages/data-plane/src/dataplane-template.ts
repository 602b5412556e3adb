// Reads the proxy's own resource: a file, standard input or inline text; fills in the variables; says what is wrong with it.
import { readFileSync } from 'node:fs';
import { MeshError } from '@ursa/resources';
import { parseDocument } from 'yaml';

/** The resource that a proxy brings along. */
export interface ProxyResource {
  readonly mesh: string;
  readonly name: string;
  /** Of a Dataplane; '' where it says none. */
  readonly address: string;
  /** As JSON, the way the bootstrap request carries it. */
  readonly json: string;
}

/** What the resource is read with. */
export interface ProxyResourceOptions {
  readonly inline: string;
  /** '-' for standard input. */
  readonly path: string;
  readonly variables: Readonly<Record<string, string>>;
  readonly proxyType: string;
  /** From --mesh and --name; fill in what the resource leaves out. */
  readonly mesh: string;
  readonly name: string;
}

const typeOfProxy: Readonly<Record<string, string>> = {
  dataplane: 'Dataplane',
  ingress: 'ZoneIngress',
  egress: 'ZoneEgress',
};
const standardInput = 0;

/** The rendered resource, or undefined when none is given: then it has to exist in the control plane. */
export function readProxyResource(options: ProxyResourceOptions): ProxyResource | undefined {
  const source = options.path === '' ? '--dataplane' : options.path === '-' ? 'standard input' : options.path;
  const template = options.path === '' ? options.inline : readTemplate(options.path);
  if (template.trim() === '') {
    if (options.path === '') return undefined;
    throw new MeshError('invalid', `--dataplane-file: ${source} is empty`);
  }
  const document = parseDocument(renderTemplate(template, options.variables, source), {
    merge: false,
    uniqueKeys: true,
  });
  const problem = document.errors[0];
  if (problem !== undefined)
    throw new MeshError('invalid', `${source} is not valid YAML: ${problem.message}`, { cause: problem });
  const value: unknown = document.toJS({ maxAliasCount: 0 });
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new MeshError('invalid', `${source} must hold one ${typeOfProxy[options.proxyType]} as YAML or JSON`);
  }
  return checkResource(value as Record<string, unknown>, options, source);
}

/** Fills `{{ key }}` with its value. A key without a value is an error, not an empty text. */
export function renderTemplate(template: string, variables: Readonly<Record<string, string>>, source: string): string {
  return template.replaceAll(
    /\{\{\{\s*([^{}]*?)\s*\}\}\}|\{\{&?\s*([^{}]*?)\s*\}\}/g,
    (tag, raw: string | undefined, plain: string | undefined) => {
      const key = raw ?? plain ?? '';
      if (key.startsWith('!')) return '';
      if (/^[#^/>=]/.test(key))
        throw new MeshError('unsupported', `${source}: "${tag}" is not supported; only {{ key }} is`);
      const value = Object.hasOwn(variables, key) ? variables[key] : undefined;
      if (value === undefined)
        throw new MeshError('invalid', `${source}: "${tag}" has no value; give it with -v ${key}=…`);
      return value;
    },
  );
}

function readTemplate(path: string): string {
  try {
    return readFileSync(path === '-' ? standardInput : path, 'utf8');
  } catch (cause) {
    throw new MeshError('not-found', `--dataplane-file: ${path} cannot be read: ${(cause as Error).message}`, {
      cause,
    });
  }
}

function checkResource(
  resource: Record<string, unknown>,
  options: ProxyResourceOptions,
  source: string,
): ProxyResource {
  const wanted = typeOfProxy[options.proxyType];
  if (resource.type !== wanted) {
    const found = resource.type === undefined ? 'has no type' : `is of type ${JSON.stringify(resource.type)}`;
    throw new MeshError('invalid', `${source} ${found}, but --proxy-type ${options.proxyType} needs "type: ${wanted}"`);
  }
  const name = oneOf('name', resource.name, options.name, source);
  if (name === '') throw new MeshError('invalid', `${source} has no name; add "name: …" or give --name`);
  if (wanted !== 'Dataplane') {
    return { mesh: options.mesh, name, address: '', json: JSON.stringify({ ...resource, name }) };
  }
  const mesh = oneOf('mesh', resource.mesh, options.mesh, source) || 'default';
  const { address = '' } = (resource.networking ?? {}) as { readonly address?: unknown };
  return { mesh, name, address: String(address), json: JSON.stringify({ ...resource, mesh, name }) };
}

function oneOf(field: 'mesh' | 'name', fromResource: unknown, fromFlag: string, source: string): string {
  if (fromResource === undefined || fromResource === '') return fromFlag;
  if (typeof fromResource !== 'string')
    throw new MeshError('invalid', `${source}: ${field} must be text, got ${JSON.stringify(fromResource)}`);
  if (fromFlag === '' || fromFlag === fromResource) return fromResource;
  throw new MeshError(
    'invalid',
    `${source} says ${field} "${fromResource}", but --${field} says "${fromFlag}"; leave --${field} out`,
  );
}
