// Lets a user's policy import the kit (`@ursa/policy` and what it stands on) although its folder has no node_modules: such imports are answered with
// the control plane's own modules. Node and Bun, which the executables are made with, have different doors for it.
/** Modules that a policy may import, each loaded when one does. Everything below `@ursa/envoy/gen/` comes besides. */
const providedModules: Readonly<Record<string, () => Promise<object>>> = {
  '@ursa/policy': () => import('@ursa/policy'),
  '@ursa/resources': () => import('@ursa/resources'),
  '@ursa/envoy': () => import('@ursa/envoy'),
  '@bufbuild/protobuf': () => import('@bufbuild/protobuf'),
  '@bufbuild/protobuf/wkt': () => import('@bufbuild/protobuf/wkt'),
  typebox: () => import('typebox'),
};

const generatedPrefix = '@ursa/envoy/gen/';

/** Bun's door, as far as we use it. */
interface BunPlugins {
  plugin(plugin: { readonly name: string; setup(build: BunBuild): void }): void;
}

interface BunBuild {
  module(name: string, load: () => { exports: object; loader: 'object' }): void;
}

let provided: Promise<void> | undefined;

/** Provides the modules, once. */
export function provideModules(): Promise<void> {
  provided ??= 'Bun' in globalThis ? provideInBun((globalThis as { Bun?: BunPlugins }).Bun) : provideInNode();
  return provided;
}

async function provideInNode(): Promise<void> {
  // Not imported at the top: Bun's `node:module` has no hooks.
  const { registerHooks } = await import('node:module');
  registerHooks({
    resolve(specifier, context, next) {
      const ours = specifier in providedModules || specifier.startsWith(generatedPrefix);
      return next(specifier, ours ? { ...context, parentURL: import.meta.url } : context);
    },
  });
}

async function provideInBun(bun: BunPlugins | undefined): Promise<void> {
  const { generatedModule, generatedModuleNames } = await import('@ursa/envoy');
  const loaded = await Promise.all(
    Object.entries(providedModules).map(async ([name, load]) => [name, await load()] as const),
  );
  bun?.plugin({
    name: 'ursa-policy-kit',
    setup(build) {
      for (const [name, exports] of loaded) build.module(name, () => ({ exports, loader: 'object' }));
      for (const name of generatedModuleNames()) {
        build.module(`${generatedPrefix}${name}`, () => ({ exports: generatedModule(name) ?? {}, loader: 'object' }));
      }
    },
  });
}
