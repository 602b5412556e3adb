// What was asked of access control during one request: who wants to know hands the request's caller in before, and reads it off afterwards.
import { type AccessVerb, MeshError } from '@ursa/resources';
import type { User } from '../access.ts';
import { type AccessControl, verbOf } from '../access-control.ts';

/** What somebody asked to do, and the answer. `READ` is of what not everybody may read. */
export interface AuditedAccess {
  readonly access: AccessVerb | 'READ';
  /** '' for tokens and for parts of the control plane. */
  readonly type: string;
  readonly mesh: string;
  /** '' for lists. */
  readonly name: string;
  readonly granted: boolean;
}

/** Keeps what is asked for a caller, by the caller's own object. */
export interface AccessRecords {
  /** From now on; what was asked is in the list that it gives back, each once. */
  begin(user: User): () => readonly AuditedAccess[];
  /** The access control, which then notes what it is asked for callers that have begun. */
  observe(access: AccessControl): AccessControl;
}

/** Records of the requests that are being worked on. */
export function createAccessRecords(): AccessRecords {
  const records = new WeakMap<User, Map<string, AuditedAccess>>();
  const note = (user: User, asked: Omit<AuditedAccess, 'granted'>, ask: () => void): void => {
    const record = records.get(user);
    // A write is asked for twice: when it is read, and when it is stored. The last answer counts.
    const key = `${asked.access}/${asked.type}/${asked.mesh}/${asked.name}`;
    try {
      ask();
      record?.set(key, { ...asked, granted: true });
    } catch (error) {
      if (error instanceof MeshError && error.code === 'forbidden') record?.set(key, { ...asked, granted: false });
      throw error;
    }
  };
  return {
    begin(user) {
      const record = new Map<string, AuditedAccess>();
      records.set(user, record);
      return () => [...record.values()];
    },
    observe: (access) => ({
      requireWrite(user, write) {
        const { type, mesh, name } = write;
        note(user, { access: verbOf(write), type: type.name, mesh, name }, () => access.requireWrite(user, write));
      },
      requireRead(user, read) {
        const { type, mesh, name = '' } = read;
        note(user, { access: 'READ', type: type.name, mesh, name }, () => access.requireRead(user, read));
      },
      requireView(user, view) {
        const { type, mesh, name = '' } = view;
        note(user, { access: view.access, type: type.name, mesh, name }, () => access.requireView(user, view));
      },
      requireToken(user, issue) {
        const { mesh, name } = issue;
        note(user, { access: issue.access, type: '', mesh, name }, () => access.requireToken(user, issue));
      },
      requireServer(user, part) {
        note(user, { access: 'READ', type: '', mesh: '', name: part }, () => access.requireServer(user, part));
      },
      seesKeys: (user, resource) => access.seesKeys(user, resource),
    }),
  };
}
