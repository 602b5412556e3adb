// What every command starts from: the global flags resolved into a configuration, a client and a mesh.
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { MeshError, parseDuration } from '@ursa/resources';
import { type ApiClient, openApiClient } from './api-client.ts';
import {
  type Configuration,
  configurationDocument,
  emptyConfiguration,
  localControlPlane,
  parseConfiguration,
} from './config-file.ts';
import { readNamedFile, writeWholeFile } from './named-files.ts';
import type { Terminal } from './terminal.ts';
import { formatYaml } from './yaml-output.ts';

/** Flags that all commands share. */
export interface GlobalFlags {
  readonly apiTimeout: string;
  readonly configFile?: string;
  readonly context?: string;
  readonly logLevel: string;
  readonly mesh?: string;
  /** False with `--no-config`: the file is neither read nor written. */
  readonly config: boolean;
}

export interface Session {
  readonly terminal: Terminal;
  /** The mesh of `--mesh`, of the context's defaults, or `default`. */
  readonly mesh: string;
  readonly configFile: string;
  /** What the file says. A file named by `--config-file` has to exist unless it may be new. */
  configuration(mayBeNew?: boolean): Configuration;
  /** Refuses with `--no-config`. */
  saveConfiguration(configuration: Configuration): void;
  /** Address of the control plane in use; may hold a password. */
  readonly address: string;
  /** A client of the control plane in use, or of a context by its name. */
  client(context?: string): ApiClient;
}

/** Resolves the flags; the file is read when a command first asks for something in it. */
export function openSession(flags: GlobalFlags, terminal: Terminal): Session {
  const configFile = flags.configFile ?? join(terminal.home, '.kumactl', 'config');
  const configuration = (mayBeNew = false): Configuration => {
    if (!flags.config) return emptyConfiguration;
    if (existsSync(configFile))
      return parseConfiguration(readNamedFile('--config-file', configFile).toString('utf8'), configFile);
    if (flags.configFile !== undefined && !mayBeNew)
      throw new MeshError('not-found', `--config-file: ${configFile} does not exist`);
    return emptyConfiguration;
  };
  const contextName = (current: Configuration): string | undefined => flags.context ?? current.currentContext;
  return {
    terminal,
    configFile,
    configuration,
    get mesh() {
      if (flags.mesh !== undefined) return flags.mesh;
      const current = configuration();
      return current.contexts.find((context) => context.name === contextName(current))?.defaults?.mesh ?? 'default';
    },
    get address() {
      const current = configuration();
      return activeControlPlane(current, contextName(current)).coordinates.apiServer.url;
    },
    saveConfiguration(changed) {
      if (!flags.config)
        throw new MeshError('invalid', '--no-config: the configuration file is not written; leave the flag out');
      mkdirSync(dirname(configFile), { recursive: true, mode: 0o700 });
      writeWholeFile('--config-file', configFile, formatYaml(configurationDocument(changed)), 0o600);
    },
    client(context) {
      const current = configuration();
      const log = (line: string): void => terminal.printError(`${line}\n`);
      return openApiClient(activeControlPlane(current, context ?? contextName(current)).coordinates.apiServer, {
        timeoutMilliseconds: parseDuration(flags.apiTimeout) ?? 0,
        ...(flags.logLevel === 'debug' ? { log } : {}),
        warn: (text) => terminal.printError(`Warning: ${text}\n`),
      });
    },
  };
}

function activeControlPlane(configuration: Configuration, contextName: string | undefined) {
  if (contextName === undefined) return localControlPlane;
  const context = configuration.contexts.find((candidate) => candidate.name === contextName);
  const known = configuration.contexts.map((candidate) => candidate.name).join(', ');
  if (context === undefined)
    throw new MeshError('not-found', `there is no context "${contextName}"; there are: ${known || 'none'}`);
  const controlPlane = configuration.controlPlanes.find((candidate) => candidate.name === context.controlPlane);
  if (controlPlane === undefined) {
    throw new MeshError(
      'not-found',
      `context "${contextName}" names the control plane "${context.controlPlane}", which is not configured`,
    );
  }
  return controlPlane;
}
