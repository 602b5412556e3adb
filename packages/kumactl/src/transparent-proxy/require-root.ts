// Who may change the rules of a host.
import { MeshError } from '@ursa/resources';
import type { Host } from './host.ts';

/** Throws unless this is Linux and its root. A dry run only warns. */
export function requireRoot(host: Host, dryRun: boolean, warn: (line: string) => void): void {
  if (host.platform !== 'linux') {
    if (dryRun) return;
    throw new MeshError(
      'unsupported',
      'traffic is redirected by iptables, which only Linux has; --dry-run prints the rules',
    );
  }
  if (host.isRoot) return;
  if (!dryRun)
    throw new MeshError('forbidden', 'only root may change the rules of this host: run the command with sudo');
  warn('[dry-run]: only root sees what iptables can do here; the rules may be others');
}
