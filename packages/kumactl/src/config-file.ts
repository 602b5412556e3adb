// kumactl's configuration file (`~/.kumactl/config`): which control planes there are and which one is active. Read with both spellings of the
// peer's keys (controlPlanes, control_planes), written with the newer one.
import { MeshError } from '@ursa/resources';
import { parse, YAMLParseError } from 'yaml';

/** How to reach a control plane's REST API. */
export interface ApiServerCoordinates {
  readonly url: string;
  readonly caCertFile?: string;
  readonly clientCertFile?: string;
  readonly clientKeyFile?: string;
  readonly skipVerify?: boolean;
  readonly headers?: readonly { readonly key: string; readonly value: string }[];
  readonly authType?: string;
  readonly authConf?: Readonly<Record<string, string>>;
}

export interface ControlPlane {
  readonly name: string;
  readonly coordinates: { readonly apiServer: ApiServerCoordinates };
}

export interface Context {
  readonly name: string;
  readonly controlPlane: string;
  readonly defaults?: { readonly mesh?: string };
}

/** The whole file. */
export interface Configuration {
  readonly controlPlanes: readonly ControlPlane[];
  readonly contexts: readonly Context[];
  readonly currentContext?: string;
}

/** What holds while there is no file: a control plane on this machine. */
export const localControlPlane: ControlPlane = {
  name: 'local',
  coordinates: { apiServer: { url: 'http://localhost:5681' } },
};

export const emptyConfiguration: Configuration = { controlPlanes: [], contexts: [] };

/** Reads the file's text. Errors name the file and the field. */
export function parseConfiguration(text: string, file: string): Configuration {
  let document: unknown;
  try {
    // Without the parser's excerpts: the file holds tokens.
    document = parse(text, { merge: false, maxAliasCount: 0, prettyErrors: false });
  } catch (cause) {
    const line = cause instanceof YAMLParseError ? text.slice(0, cause.pos[0]).split('\n').length : 1;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new MeshError('invalid', `${file}: line ${line} is not valid YAML: ${reason}`, { cause });
  }
  const fields = camelCased(document ?? {});
  if (!isRecord(fields))
    throw new MeshError('invalid', `${file}: expected a map with controlPlanes, contexts and currentContext`);
  const configuration: Configuration = {
    controlPlanes: list(fields.controlPlanes, `${file}: controlPlanes`).map((entry) => controlPlaneOf(entry, file)),
    contexts: list(fields.contexts, `${file}: contexts`).map((entry) => contextOf(entry, file)),
  };
  return typeof fields.currentContext === 'string' && fields.currentContext !== ''
    ? { ...configuration, currentContext: fields.currentContext }
    : configuration;
}

/** The form in which the file is written: nothing that is empty. */
export function configurationDocument(configuration: Configuration): Record<string, unknown> {
  return {
    ...(configuration.contexts.length > 0 ? { contexts: configuration.contexts } : {}),
    ...(configuration.controlPlanes.length > 0 ? { controlPlanes: configuration.controlPlanes } : {}),
    ...(configuration.currentContext === undefined ? {} : { currentContext: configuration.currentContext }),
  };
}

function controlPlaneOf(entry: unknown, file: string): ControlPlane {
  const apiServer = isRecord(entry) && isRecord(entry.coordinates) ? entry.coordinates.apiServer : undefined;
  if (!isRecord(entry) || typeof entry.name !== 'string' || !isRecord(apiServer) || typeof apiServer.url !== 'string') {
    throw new MeshError('invalid', `${file}: each of controlPlanes needs name and coordinates.apiServer.url`);
  }
  return {
    name: entry.name,
    coordinates: { apiServer: coordinatesOf(apiServer, apiServer.url, `${file}: ${entry.name}`) },
  };
}

/** Unknown fields are kept: the file is shared with other versions of kumactl. */
function coordinatesOf(apiServer: Record<string, unknown>, url: string, place: string): ApiServerCoordinates {
  for (const key of ['caCertFile', 'clientCertFile', 'clientKeyFile', 'authType']) {
    if (apiServer[key] !== undefined && typeof apiServer[key] !== 'string')
      throw new MeshError('invalid', `${place}: ${key}: expected a text`);
  }
  const { skipVerify, headers, authConf } = apiServer;
  if (skipVerify !== undefined && typeof skipVerify !== 'boolean')
    throw new MeshError('invalid', `${place}: skipVerify: expected true or false`);
  if (
    !list(headers, `${place}: headers`).every(
      (header) => isRecord(header) && isText(header.key) && isText(header.value),
    )
  )
    throw new MeshError('invalid', `${place}: headers: each needs key and value`);
  if (authConf !== undefined && !(isRecord(authConf) && Object.values(authConf).every(isText)))
    throw new MeshError('invalid', `${place}: authConf: expected texts by name`);
  return { ...apiServer, url };
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function contextOf(entry: unknown, file: string): Context {
  if (!isRecord(entry) || typeof entry.name !== 'string' || typeof entry.controlPlane !== 'string') {
    throw new MeshError('invalid', `${file}: each of contexts needs name and controlPlane`);
  }
  const mesh = isRecord(entry.defaults) ? entry.defaults.mesh : undefined;
  const context = { name: entry.name, controlPlane: entry.controlPlane };
  return typeof mesh === 'string' ? { ...context, defaults: { mesh } } : context;
}

function list(value: unknown, place: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new MeshError('invalid', `${place}: expected a list`);
  return value;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Older files write `control_planes`; the keys inside maps of users' own words (headers, authConf) have no underscore rule of their own. */
function camelCased(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(camelCased);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      key === 'authConf' || key === 'auth_conf' ? inner : camelCased(inner),
    ]),
  );
}
