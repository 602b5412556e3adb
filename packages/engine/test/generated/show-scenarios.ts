// Scenarios shown to one real Envoy, which lives as long as the test.
import type { TestContext } from 'node:test';
import { fetchEnvoy } from '@ursa/data-plane';
import { realIdentity } from '../real-identity.ts';
import { openAdsEnvoy } from './ads-envoy.ts';
import { type Shown, showEach } from './show-each.ts';
import { openShownScenario, type ShownScenario } from './shown-scenario.ts';

/** Shows what `shownOf` makes of each scenario; resolves with how many configurations that were. Refusals are added to the list. */
export async function showScenarios(
  context: TestContext,
  folders: readonly string[],
  shownOf: (scenario: ShownScenario) => Iterable<Shown>,
  refusals: string[],
): Promise<number> {
  const { path } = await fetchEnvoy(process.env);
  const envoy = await openAdsEnvoy(path);
  context.after(() => envoy.stop());
  const identity = await realIdentity();
  let shown = 0;
  for (const folder of folders) {
    const scenario = openShownScenario(folder, identity, envoy.directory);
    shown += await showEach(envoy, scenario, shownOf(scenario), refusals);
  }
  return shown;
}
