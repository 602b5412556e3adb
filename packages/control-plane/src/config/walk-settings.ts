// Goes through a tree of settings.
import { isSetting, type Setting, type SettingsTree } from './setting.ts';

/** A setting and where it stands in the file: `apiServer.http.port`. */
export interface PlacedSetting {
  readonly path: string;
  readonly setting: Setting<unknown>;
}

/** Every setting of a tree, in order. */
export function* walkSettings(tree: SettingsTree, prefix = ''): Generator<PlacedSetting> {
  for (const [key, node] of Object.entries(tree)) {
    const path = prefix === '' ? key : `${prefix}.${key}`;
    if (isSetting(node)) yield { path, setting: node };
    else yield* walkSettings(node, path);
  }
}

/** The same tree with each setting replaced by what `leaf` makes of it. */
export function mapSettings(
  tree: SettingsTree,
  leaf: (placed: PlacedSetting) => unknown,
  prefix = '',
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(tree).map(([key, node]) => {
      const path = prefix === '' ? key : `${prefix}.${key}`;
      return [key, isSetting(node) ? leaf({ path, setting: node }) : mapSettings(node, leaf, path)];
    }),
  );
}
