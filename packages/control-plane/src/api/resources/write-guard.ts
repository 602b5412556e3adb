// Which types this control plane lets be written through the API at all.
import type { LabelContext, ResourceType } from '@ursa/resources';
import { Failure } from '../http/failure.ts';

/** Decides by type, before a request's content is looked at. */
export interface WriteGuard {
  isReadOnly(type: ResourceType): boolean;
  /** Errors: 405 that says where the type can be written. */
  requireWritable(type: ResourceType): void;
}

/**
 * Refuses types that only the control plane writes; all types when the API is read-only; on a global control plane and in a zone that it governs,
 * the types that belong to the other side.
 */
export function createWriteGuard(context: Pick<LabelContext, 'mode' | 'federated'>, readOnly: boolean): WriteGuard {
  const reasonFor = (type: ResourceType): string | undefined => {
    if (readOnly) return 'the API of this control plane is read-only (apiServer.readOnly)';
    if (type.readOnly) return `${type.name} is written by the control plane itself`;
    if (context.mode === 'global' && !type.providedByGlobal) {
      return `a global control plane does not write ${type.pluralDisplayName}; apply it to the control plane of its zone`;
    }
    if (context.federated && !type.providedByZone) {
      return `a zone does not write ${type.pluralDisplayName}; apply it to the global control plane`;
    }
    return undefined;
  };
  return {
    isReadOnly: (type) => reasonFor(type) !== undefined,
    requireWritable(type) {
      const reason = reasonFor(type);
      if (reason !== undefined) throw new Failure(405, 'Method not allowed', reason);
    },
  };
}
