// `?format=`: the form in which one resource is shown.
import { formatResource, type Resource, type ResourceTypes } from '@ursa/resources';
import { Failure } from '../http/failure.ts';
import { formatJson } from '../http/json-text.ts';
import { nameParameters } from '../openapi/parameters.ts';

/** Query parameters of everything that answers one resource. */
export const formatQuery = nameParameters('format', 'namespace');

/** The resource in the Kubernetes form when that is asked for, undefined for the usual form. Errors: 400 under `title` for another word. */
export function formatAs(
  query: URLSearchParams,
  types: ResourceTypes,
  resource: Resource,
  title: string,
): string | undefined {
  const format = query.get('format') ?? '';
  if (format === '' || format === 'universal') return undefined;
  if (format !== 'k8s' && format !== 'kubernetes') {
    const message = '"format" must be one of ["k8s", "kubernetes", "universal"]';
    throw new Failure(400, title, 'Resource is not valid', { violations: [{ field: '', message }] });
  }
  const type = types.byName(resource.type);
  if (type === undefined) throw new Error(`resource of unregistered type ${resource.type}`);
  const namespace = query.get('namespace') ?? '';
  return formatJson(
    formatResource(type, resource, {
      format: 'kubernetes',
      ...(namespace === '' ? {} : { systemNamespace: namespace }),
    }),
  );
}
