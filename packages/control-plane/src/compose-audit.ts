// The audit of the settings: which files, and what is said when they cannot be written.
import { MeshError, type ResourceTypes } from '@ursa/resources';
import type { AuditFileSettings } from './config/sections/kmesh.ts';
import type { Settings } from './config/settings.ts';
import type { Degradation, Readiness } from './diagnostics/readiness.ts';
import { type Audit, type AuditBackend, openAudit } from './identity/audit/audit.ts';
import type { Log } from './log.ts';
import { openRotatingFile } from './rotating-file.ts';
import type { LiveResources } from './store/live-resources.ts';
import type { RegistrationDeed } from './xds/registration.ts';

const megabyte = 1024 * 1024;

/**
 * The audit; undefined when the settings name no file. Errors: `MeshError('unavailable')` for a file that cannot be opened at the start: that is
 * a mistake in the settings, unlike a disk that fills up later.
 */
export function composeAudit(
  { kmesh }: Settings,
  { live, log, instance, readiness }: AuditSurroundings,
): Audit | undefined {
  const { backends, skipDefaultTypes } = kmesh.access.audit;
  if (backends.length === 0) return undefined;
  const auditLog = log.component('audit');
  const audit = openAudit({
    live,
    backends: backends.map(openFile),
    skippedTypes: skipDefaultTypes,
    instance,
    now: () => new Date(),
    onTrouble: (file, error) =>
      auditLog.error('the audit cannot be written: what is done meanwhile is counted and not kept', { file, error }),
    onRecovery: (file, lost) => auditLog.warn('the audit is written again', { file, lost }),
  });
  readiness.addDegradable('audit', () => degradationOf(audit));
  return audit;
}

/** What the audit stands in. */
export interface AuditSurroundings {
  readonly live: LiveResources;
  readonly log: Log;
  readonly instance: string;
  readonly readiness: Readiness;
}

const statuses = { CREATE: 201, UPDATE: 200, DELETE: 200 } as const;

/** Puts what proxies write about themselves into the audit; a proxy's user is its own kind, and its name that of the resource. */
export function auditRegistrations(
  audit: Audit | undefined,
  types: ResourceTypes,
): ((deed: RegistrationDeed) => void) | undefined {
  if (audit === undefined) return undefined;
  return ({ access, key, error }) => {
    const { type, mesh, name } = key;
    const denied = error instanceof MeshError && error.code === 'forbidden';
    const collection = types.byName(type)?.path ?? type;
    audit.record({
      user: { name: 'mesh-system:proxy', groups: [] },
      access: { access, type, mesh, name, granted: !denied },
      request: {
        method: access === 'DELETE' ? 'DEREGISTER' : 'REGISTER',
        path: `${mesh === '' ? '' : `/meshes/${mesh}`}/${collection}/${name}`,
        status: error === undefined ? statuses[access] : denied ? 403 : 400,
        reason: denied ? error.message : undefined,
      },
    });
  };
}

function degradationOf(audit: Audit): Degradation | undefined {
  const trouble = audit.trouble();
  if (trouble === undefined) return undefined;
  const { backend, since, reason, lost } = trouble;
  return {
    since,
    reason: `${backend} cannot be written (${reason}): ${lost} lines of the audit are lost`,
    stale: false,
  };
}

function openFile({ path, rotation }: AuditFileSettings): AuditBackend {
  const limits = {
    maxBytes: rotation.enabled ? rotation.maxSizeMb * megabyte : Number.POSITIVE_INFINITY,
    maxAgeDays: rotation.maxAgeDays,
    maxRetainedFiles: rotation.maxRetainedFiles,
  };
  try {
    return { name: path, append: openRotatingFile(path, limits, { mode: 0o600 }).append };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const setting = 'kmesh.access.audit.backends (KMESH_ACCESS_AUDIT_BACKENDS)';
    throw new MeshError(
      'unavailable',
      `${setting}: cannot open ${path}: ${reason}; check the path and its permissions`,
      { cause },
    );
  }
}
