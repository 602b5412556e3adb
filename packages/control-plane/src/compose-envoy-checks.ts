// Puts a real Envoy before the store, where there is one and the settings want it.
import type { Settings } from './config/settings.ts';
import type { Log } from './log.ts';
import type { ResourceManager } from './store/resource-manager.ts';
import type { DraftOptions } from './xds/validation/draft-configs.ts';
import { withEnvoyChecks } from './xds/validation/envoy-checks.ts';
import { createEnvoyJudge } from './xds/validation/envoy-judge.ts';
import { findEnvoy } from './xds/validation/find-envoy.ts';

/** Envoys at a time, and who waits for one at most. */
const bounds = { concurrency: 2, queueLimit: 32 };

/** The manager, with Envoy's judgement in front of it where that can be had. */
export function composeEnvoyChecks(
  settings: Settings,
  manager: ResourceManager,
  drafts: DraftOptions,
  log: Log,
): ResourceManager {
  const { enabled, binaryPath, timeout } = settings.policies.envoyValidation;
  if (!enabled) return manager;
  const validation = log.component('envoy-validation');
  const path = findEnvoy(binaryPath, process.env);
  if (path === undefined) {
    const remedy = 'name one with KUMA_POLICIES_ENVOY_VALIDATION_BINARY_PATH';
    validation.info(`there is no Envoy here: policies that change its configuration are stored unjudged; ${remedy}`);
    return manager;
  }
  const onSilence = (reason: string) => validation.warn('Envoy did not judge a policy, which is accepted', { reason });
  return withEnvoyChecks(
    manager,
    createEnvoyJudge({ path, timeoutMilliseconds: timeout, ...bounds, onSilence }),
    drafts,
  );
}
