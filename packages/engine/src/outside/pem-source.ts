// Where certificates and keys of external services come from: the resource itself, a Secret of its mesh, or a file on the host of the proxy that
// makes the connection (decision 0235).
import type { PemSource } from '@ursa/envoy';
import { type DataSource, type PemContent, pemProblem } from '@ursa/resources';
import type { EngineInputs } from '../engine.ts';

/** Resolves sources of one mesh; what is not there, or what Envoy could not read, is added to `problems`. */
export interface PemSources {
  readonly problems: readonly string[];
  /** Undefined when it is not given, or not there. `field` is named in the problem. */
  read(field: string, source: DataSource | undefined, content: PemContent): PemSource | undefined;
}

/** Opens sources of a mesh. A Secret that is read is remembered by the derivation that asks. */
export function pemSources(inputs: EngineInputs, mesh: string): PemSources {
  const problems: string[] = [];
  const readable = (field: string, pem: string, content: PemContent): PemSource | undefined => {
    const problem = pemProblem(pem, content);
    if (problem === undefined) return { pem };
    problems.push(`${field} ${problem}`);
    return undefined;
  };
  const fromBase64 = (field: string, text: string, content: PemContent): PemSource | undefined => {
    let pem: string;
    try {
      pem = atob(text);
    } catch {
      problems.push(`${field} is not base64`);
      return undefined;
    }
    return readable(field, pem, content);
  };
  return {
    problems,
    read(field, source, content) {
      if (source === undefined) return undefined;
      if (source.inlineString !== undefined) return readable(field, source.inlineString, content);
      if (source.inline !== undefined) return fromBase64(field, source.inline, content);
      if (source.file !== undefined) return { file: source.file };
      if (source.secret === undefined) return undefined;
      const secret = inputs.resources('Secret').get(`${mesh}/${source.secret}`);
      const data = (secret?.spec as { readonly data?: string } | undefined)?.data;
      if (data === undefined) {
        problems.push(`${field} refers to the Secret ${source.secret}, which is not in the mesh ${mesh}: create it`);
        return undefined;
      }
      return fromBase64(`the Secret ${source.secret}, to which ${field} refers,`, data, content);
    },
  };
}
