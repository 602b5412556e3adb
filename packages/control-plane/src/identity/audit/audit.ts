// The audit: writes down who did what, one line each, into the files of the settings. A file that cannot be written is said and stops nothing.
import { randomUUID } from 'node:crypto';
import type { AccessAuditSpec } from '@ursa/resources';
import type { LiveResources } from '../../store/live-resources.ts';
import type { User } from '../access.ts';
import type { AccessControl } from '../access-control.ts';
import { type AuditedRequest, formatAuditLine } from './audit-line.ts';
import { isAudited } from './audit-rules.ts';
import { type AuditedAccess, createAccessRecords } from './audited-access.ts';

const writes: ReadonlySet<AuditedAccess['access']> = new Set(['CREATE', 'UPDATE', 'DELETE']);

/** Where lines go. */
export interface AuditBackend {
  /** For messages: the path. */
  readonly name: string;
  /** Throws when the line cannot be kept. */
  append(line: string): void;
}

/** What an audit works with. */
export interface AuditOptions {
  readonly live: Pick<LiveResources, 'list'>;
  readonly backends: readonly AuditBackend[];
  readonly skippedTypes: readonly string[];
  readonly instance: string;
  readonly now: () => Date;
  /** Told when lines begin to be lost, and when they are kept again. */
  readonly onTrouble: (backend: string, error: unknown) => void;
  readonly onRecovery: (backend: string, lost: number) => void;
}

/** The end of a request, as the API knows it. */
export type EndedRequest = Omit<AuditedRequest, 'user'> & {
  /** Nothing is written: previews and trials. */
  readonly isTrial: boolean;
};

/** Lines that are being lost. */
export interface AuditTrouble {
  readonly backend: string;
  /** RFC 3339. */
  readonly since: string;
  readonly reason: string;
  readonly lost: number;
}

/** Writes down what is done and what is refused. */
export interface Audit {
  /** The access control that callers have to be shown to, so that it is known what they asked for. */
  observe(access: AccessControl): AccessControl;
  /** Begins a request of a caller; `user` undefined: the credentials do not hold. The result ends it, with what became of it. */
  begin(user: User | undefined): (request: EndedRequest) => void;
  /** Writes down what was not asked for by a request to the API. `path` is that of the resource there. */
  record(deed: AuditedDeed): void;
  trouble(): AuditTrouble | undefined;
}

/** What somebody did, or was refused, elsewhere than in the API. */
export interface AuditedDeed {
  readonly user: User;
  readonly access: AuditedAccess;
  readonly request: Pick<AuditedRequest, 'method' | 'path' | 'status' | 'reason'>;
}

/** Opens the audit; nothing is written before the first request. */
export function openAudit(options: AuditOptions): Audit {
  const { live, skippedTypes, instance, now } = options;
  const records = createAccessRecords();
  const troubles = new Map<AuditBackend, AuditTrouble>();

  function keep(line: string): void {
    for (const backend of options.backends) {
      const trouble = troubles.get(backend);
      try {
        // The gap is part of the record: who reads it must know that lines are missing.
        if (trouble !== undefined) backend.append(gapLine(now(), instance, trouble));
        backend.append(line);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        const since = trouble?.since ?? now().toISOString();
        troubles.set(backend, { backend: backend.name, since, reason, lost: (trouble?.lost ?? 0) + 1 });
        if (trouble === undefined) options.onTrouble(backend.name, error);
        continue;
      }
      if (trouble === undefined) continue;
      troubles.delete(backend);
      options.onRecovery(backend.name, trouble.lost);
    }
  }

  return {
    observe: records.observe,
    begin(user) {
      const asked = user === undefined ? () => [] : records.begin(user);
      return (request) => {
        const { isTrial, ...rest } = request;
        const accesses = asked().filter(({ access, granted }) => !(isTrial && granted && writes.has(access)));
        const time = now();
        for (const access of toWrite(accesses, request.status)) {
          if (access !== undefined && !isAudited(rulesOf(live), skippedTypes, access)) continue;
          keep(formatAuditLine(time, instance, { ...rest, user }, access));
        }
      };
    },
    record({ user, access, request }) {
      if (!isAudited(rulesOf(live), skippedTypes, access)) return;
      const unknown = { id: randomUUID(), source: '', forwardedFor: undefined, userAgent: undefined };
      keep(formatAuditLine(now(), instance, { ...unknown, ...request, user }, access));
    },
    trouble: () => [...troubles.values()][0],
  };
}

/** What becomes lines. A refusal of which access control knows nothing is one of the credentials, or came from another instance. */
function toWrite(accesses: readonly AuditedAccess[], status: number): readonly (AuditedAccess | undefined)[] {
  const isRefused = status === 401 || status === 403;
  if (!isRefused) return accesses;
  const denied = accesses.filter(({ granted }) => !granted);
  // Of a request that was refused, nothing else was done.
  return denied.length > 0 ? denied : [undefined];
}

function rulesOf(live: Pick<LiveResources, 'list'>) {
  const audits = live.list('AccessAudit');
  return audits.length === 0 ? undefined : audits.flatMap(({ spec }) => (spec as AccessAuditSpec).rules ?? []);
}

function gapLine(time: Date, instance: string, { since, reason, lost }: AuditTrouble): string {
  return `${JSON.stringify({ time: time.toISOString(), instance, result: 'lost', since, lost, reason })}\n`;
}
