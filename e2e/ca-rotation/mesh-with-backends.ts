// The mesh of these stories: several built-in authorities, one of which issues.
import type { ResourceDocument } from '../../examples/demo/control-plane.ts';

/** The mesh `default` with these backends, of which one is enabled. */
export function meshWithBackends(enabledBackend: string, ...names: readonly string[]): ResourceDocument {
  return {
    type: 'Mesh',
    name: 'default',
    mtls: { enabledBackend, backends: names.map((name) => ({ name, type: 'builtin' })) },
  };
}
