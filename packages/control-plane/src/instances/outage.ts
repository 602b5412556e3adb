// When so many proxies are missing that it is our own network which is broken, not they: the one rule for all who decide about missing proxies (decisions 0214,
// 0303). What others know of them is then left as it is: old endpoints are better than none.

/** How many proxies brought their resources along and are connected nowhere, though they said no goodbye; and how many proxies are connected. */
export interface Attendance {
  readonly missing: number;
  readonly there: number;
}

/** More are missing than are there: nobody is withheld. */
export function mostAreMissing({ missing, there }: Attendance): boolean {
  return missing > there;
}

/** The same, and it is not one proxy that was alone: nobody is deregistered. */
export function isOutage(attendance: Attendance): boolean {
  return attendance.missing > 1 && mostAreMissing(attendance);
}

/** An attendance that is kept by telling of each proxy. */
export interface AttendanceList extends Attendance {
  /** What is known of a proxy now; `uncounted`: it is neither there nor missed. */
  note(id: string, state: 'missing' | 'there' | 'uncounted'): void;
  clear(): void;
}

/** Opens it; there is nobody. */
export function openAttendance(): AttendanceList {
  const missing = new Set<string>();
  const there = new Set<string>();
  return {
    get missing() {
      return missing.size;
    },
    get there() {
      return there.size;
    },
    note(id, state) {
      if (state === 'missing') missing.add(id);
      else missing.delete(id);
      if (state === 'there') there.add(id);
      else there.delete(id);
    },
    clear() {
      missing.clear();
      there.clear();
    },
  };
}
