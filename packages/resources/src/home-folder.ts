// Where a user's files lie.

/**
 * The home of whom a program runs as: what the variable HOME says, else the system; `/` where neither knows it, as for a number without a name in a
 * container. `ofSystem` is the runtime's `homedir`, which throws then.
 */
export function homeFolder(
  { HOME: home = '' }: { readonly HOME?: string | undefined },
  ofSystem: () => string,
): string {
  if (home !== '') return home;
  try {
    return ofSystem();
  } catch {
    return '/';
  }
}
