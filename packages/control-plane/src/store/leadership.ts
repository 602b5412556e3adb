// Which of several control planes over one store does the work that only one may do: generators, insights, cleaning up.

/** Whether this instance leads, now and when that changes. */
export interface Leadership {
  /** True only while no other instance can lead. Asked before each piece of work that only one may do. */
  leads(): boolean;
  /** Calls back with each change, and once with the present state. */
  onChange(listener: (leads: boolean) => void): { stop(): void };
}

/** The leadership of a control plane that has its store for itself. */
export const soleLeadership: Leadership = {
  leads: () => true,
  onChange(listener) {
    listener(true);
    return { stop: () => {} };
  },
};
