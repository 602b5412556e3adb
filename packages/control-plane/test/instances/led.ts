// Leadership that a test gives and takes, and a log that says nothing.
import { openLog } from '../../src/log.ts';
import type { Leadership } from '../../src/store/leadership.ts';

/** The logger of parts whose lines a test does not look at. */
export const silent = openLog('off', { write: () => undefined }).component('test');

/** Leadership in the hands of a test. */
export interface GivenLeadership extends Leadership {
  set(leads: boolean): void;
}

/** Opens it. */
export function openLeadership(leads: boolean): GivenLeadership {
  const listeners = new Set<(leads: boolean) => void>();
  let current = leads;
  return {
    leads: () => current,
    claim: () => (current ? { holder: 'test', term: 1 } : undefined),
    onChange(listener) {
      listeners.add(listener);
      listener(current);
      return { stop: () => listeners.delete(listener) };
    },
    set(next) {
      current = next;
      for (const listener of listeners) listener(next);
    },
  };
}
