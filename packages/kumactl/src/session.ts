// What every command starts from: the global flags resolved into a configuration, a client and a mesh.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { policyResourceTypes } from '@ursa/policies';
import { coreResourceTypes, createResourceTypes, MeshError, parseDuration, type ResourceTypes } from '@ursa/resources';
import { type ApiClient, openApiClient } from './api-client.ts';
import {
  type Configuration,
  configurationDocument,
  emptyConfiguration,
  localControlPlane,
  parseConfiguration,
} from './config-file.ts';
import type { Terminal } from './terminal.ts';
import { formatYaml } from './yaml-output.ts';

/** Flags that all commands share. */
export interface GlobalFlags {
  readonly apiTimeout: string;
  readonly configFile?: string;
  readonly context?: string;
  readonly mesh?: string;
  /** False with `--no-config`: the file is neither read nor written. */
  readonly config: boolean;
}

export interface Session {
  readonly terminal: Terminal;
  readonly types: ResourceTypes;
  /** The mesh of `--mesh`, of the context's defaults, or `default`. */
  readonly mesh: string;
  readonly configFile: string;
  configuration(): Configuration;
  saveConfiguration(configuration: Configuration): void;
  client(): ApiClient;
}

/** Registered resource types, the same that the control plane has. */
export function knownTypes(): ResourceTypes {
  return createResourceTypes([...coreResourceTypes, ...policyResourceTypes]);
}

export function openSession(flags: GlobalFlags, terminal: Terminal): Session {
  const configFile = flags.configFile ?? join(terminal.home, '.kumactl', 'config');
  const configuration = (): Configuration => {
    if (!flags.config) return emptyConfiguration;
    if (existsSync(configFile)) return parseConfiguration(readFileSync(configFile, 'utf8'), configFile);
    if (flags.configFile !== undefined) throw new MeshError('not-found', `--config-file: ${configFile} does not exist`);
    return emptyConfiguration;
  };
  const contextName = (current: Configuration): string | undefined => flags.context ?? current.currentContext;
  return {
    terminal,
    types: knownTypes(),
    configFile,
    configuration,
    get mesh() {
      if (flags.mesh !== undefined) return flags.mesh;
      const current = configuration();
      return current.contexts.find((context) => context.name === contextName(current))?.defaults?.mesh ?? 'default';
    },
    saveConfiguration(changed) {
      mkdirSync(dirname(configFile), { recursive: true, mode: 0o700 });
      writeFileSync(configFile, formatYaml(configurationDocument(changed)), { mode: 0o600 });
    },
    client() {
      const current = configuration();
      const timeout = parseDuration(flags.apiTimeout);
      if (timeout === undefined || timeout <= 0) {
        throw new MeshError('invalid', `--api-timeout: expected a duration such as 30s, got "${flags.apiTimeout}"`);
      }
      return openApiClient(activeControlPlane(current, contextName(current)).coordinates.apiServer, timeout);
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
