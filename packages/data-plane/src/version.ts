// What this kuma-dp calls itself, to the control plane and on `kuma-dp version`.
import manifest from '../package.json' with { type: 'json' };

/** The version of kuma-dp, as in its package. */
export const version: string = manifest.version;
