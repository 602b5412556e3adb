// Whether a write failed because the store cannot be written now: then it is worth trying again.
import { MeshError } from '@ursa/resources';

/** True for errors that pass by themselves. */
export function isUnavailable(error: unknown): boolean {
  return error instanceof MeshError && error.code === 'unavailable';
}
