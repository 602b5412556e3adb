// Settings for people: the JSON of `GET /config`.
import type { Raw } from './setting.ts';
import { type Settings, settingsTable } from './settings.ts';
import { mapSettings } from './walk-settings.ts';

/** What stands in place of a secret. */
const mask = '*****';

/** All settings in the shape of the file, as the peer prints them; secrets masked. */
export function showSettings(settings: Settings): Readonly<Record<string, unknown>> {
  return mapSettings(settingsTable, ({ path, setting }): Raw => {
    const value = valueAt(settings, path);
    return setting.secret && value !== '' ? mask : setting.toJson(value);
  });
}

/** The value of the setting at a path such as `apiServer.http.port`. */
function valueAt(settings: Settings, path: string): unknown {
  let node: unknown = settings;
  for (const key of path.split('.'))
    node = typeof node === 'object' && node !== null ? Reflect.get(node, key) : undefined;
  return node;
}
