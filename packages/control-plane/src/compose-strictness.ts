// Brings together who knows what proxies count (their Envoys), what a change would do (the engine) and what guards writes (the API).
import type { Collection } from '@ursa/collections';
import type { ConnectedProxy, OpenEngine } from '@ursa/engine';
import type { ProxyPolicy } from '@ursa/policy';
import type { GuardedStrictness } from './api/api.ts';
import { rememberQuiet } from './api/strictness/quiet-inbounds.ts';
import { openStrictness } from './api/strictness/strictness.ts';
import type { Settings } from './config/settings.ts';
import type { Clock } from './identity/clock.ts';
import { createEnvoyAdmin, type EnvoyAdminInputs } from './identity/envoy-admin.ts';
import type { InstanceCalls } from './instances/calls.ts';
import type { Instances } from './instances/instances.ts';

// Statistics of an Envoy that is there take milliseconds; a write does not wait long for one that is not.
const patience = 2_000;

/** What it is composed of. */
export interface StrictnessParts extends Pick<EnvoyAdminInputs, 'live' | 'adminIdentities'> {
  readonly clock: Clock;
  readonly proxies: Collection<ConnectedProxy>;
  readonly engine: Pick<OpenEngine, 'config' | 'identityRequest' | 'strictInbounds' | 'whatIf'>;
  readonly policies: readonly ProxyPolicy[];
  readonly awaitsCertificate: (proxyKey: string) => boolean;
  readonly several: { readonly instances: Instances; readonly calls: InstanceCalls };
}

/** The guard of strict mTLS. */
export function composeStrictness(settings: Settings, parts: StrictnessParts): GuardedStrictness {
  const { live, clock, proxies, adminIdentities, engine, awaitsCertificate, several } = parts;
  const quietPeriod = settings.policies.strictMtlsQuietPeriod;
  const modeTypes = new Set(parts.policies.flatMap(({ name, hooks }) => (hooks.mode === undefined ? [] : [name])));
  const strictness = openStrictness({
    engine,
    whatIf: engine.whatIf,
    dataplanes: (mesh) => live.keys('Dataplane', mesh),
    hasIdentities: (mesh) => live.keys('MeshIdentity', mesh).length > 0,
    proxies,
    // A budget of its own: who looks at proxies does not keep a write from being judged.
    admin: createEnvoyAdmin({ live, clock, proxies, adminIdentities, patience }),
    awaitsCertificate,
    quietInbounds: rememberQuiet(quietPeriod, () => clock.now()),
    quietPeriod,
    modeTypes,
    instances: several.instances,
    calls: several.calls,
  });
  return { strictness, modeTypes };
}
