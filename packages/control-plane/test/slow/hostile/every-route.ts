// Every route of the API with its parameters filled in, for tests that ask all of them.
import { apiRoutes } from '../../../src/api/api.ts';
import type { Route } from '../../../src/api/http/route.ts';
import type { ApiFixture } from '../../api/api-fixture.ts';

/** Names of path parameters to what is put there; '' is for those that are not named. */
export type Fillings = Readonly<Record<string, string>>;

/** What is put into paths by default: a mesh that exists, and names of which some do. */
export const usualFillings: Fillings = { mesh: 'default', name: 'a', '': 'a' };

/** The routes of a fixture's API, pages of the GUI included. */
export function routesOf(fixture: Pick<ApiFixture, 'options'>): readonly Route[] {
  return apiRoutes(fixture.options);
}

/** The path with its parameters filled in. */
export function filled(route: Pick<Route, 'path'>, fillings: Fillings = usualFillings): string {
  return route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => fillings[name] ?? fillings[''] ?? 'a');
}

/** Names of the path's parameters. */
export function parametersOf({ path }: Pick<Route, 'path'>): readonly string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '');
}
