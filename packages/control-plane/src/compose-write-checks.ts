// What stands between writers and the store beside the rules between resources: the operator's word on hazards, then Envoy's on what is left.
import { composeEnvoyChecks } from './compose-envoy-checks.ts';
import type { Settings } from './config/settings.ts';
import type { Log } from './log.ts';
import { withHazardChecks } from './store/hazard-checks.ts';
import type { ResourceManager } from './store/resource-manager.ts';
import type { DraftOptions } from './xds/validation/draft-configs.ts';

/** The manager behind all checks of the settings. */
export function composeWriteChecks(
  settings: Settings,
  manager: ResourceManager,
  drafts: DraftOptions,
  log: Log,
): ResourceManager {
  const judged = composeEnvoyChecks(settings, manager, drafts, log);
  return withHazardChecks(judged, drafts.policies, settings.policies.refusedHazards);
}
