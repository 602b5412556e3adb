// Where certificates and keys of external services come from: the resource itself, a Secret of its mesh, or a file on the host of the proxy that
// makes the connection (decision 0235).
import type { PemSource } from '@ursa/envoy';
import type { DataSource } from '@ursa/resources';
import type { EngineInputs } from '../engine.ts';

/** Resolves sources of one mesh; what could not be found is added to `problems`. */
export interface PemSources {
  readonly problems: readonly string[];
  /** Undefined when it is not given, or not there. `field` is named in the problem. */
  read(field: string, source: DataSource | undefined): PemSource | undefined;
}

/** Opens sources of a mesh. A Secret that is read is remembered by the derivation that asks. */
export function pemSources(inputs: EngineInputs, mesh: string): PemSources {
  const problems: string[] = [];
  const fromBase64 = (field: string, text: string): PemSource | undefined => {
    try {
      return { pem: atob(text) };
    } catch {
      problems.push(`${field} is not base64`);
      return undefined;
    }
  };
  return {
    problems,
    read(field, source) {
      if (source === undefined) return undefined;
      if (source.inlineString !== undefined) return { pem: source.inlineString };
      if (source.inline !== undefined) return fromBase64(field, source.inline);
      if (source.file !== undefined) return { file: source.file };
      if (source.secret === undefined) return undefined;
      const secret = inputs.resources('Secret').get(`${mesh}/${source.secret}`);
      const data = (secret?.spec as { readonly data?: string } | undefined)?.data;
      if (data === undefined) {
        problems.push(`${field} refers to the Secret ${source.secret}, which is not in the mesh ${mesh}: create it`);
        return undefined;
      }
      return fromBase64(field, data);
    },
  };
}
