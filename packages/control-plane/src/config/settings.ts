// The table of settings, shaped like the file: one tree gives the types, the environment's names, the checks, `/config` and the reference.
import { apiServerSettings } from './sections/api-server.ts';
import { bootstrapServerSettings, dpServerSettings, xdsServerSettings } from './sections/dp-server.ts';
import {
  eventBusSettings,
  experimentalSettings,
  policiesSettings,
  proxySettings,
  reportsSettings,
  tracingSettings,
} from './sections/experiments.ts';
import {
  accessSettings,
  defaultsSettings,
  dnsServerSettings,
  generalSettings,
  ipamSettings,
} from './sections/general.ts';
import { kmeshSettings } from './sections/kmesh.ts';
import { multizoneSettings } from './sections/multizone.ts';
import { kubernetesSettings } from './sections/runtime-kubernetes.ts';
import {
  coreResourcesSettings,
  meshServiceSettings,
  metricsSettings,
  universalSettings,
} from './sections/runtime-universal.ts';
import { diagnosticsSettings, interCpSettings, monitoringSettings } from './sections/servers.ts';
import { storeSettings } from './sections/store.ts';
import { choice, type ValuesOf } from './setting.ts';

/** Every setting of the control plane; reference s19. */
export const settingsTable = {
  environment: choice(
    'KUMA_ENVIRONMENT',
    'universal',
    ['universal', 'kubernetes'],
    'Where the control plane runs. `kubernetes` is refused until it exists.',
  ),
  mode: choice(
    'KUMA_MODE',
    'zone',
    ['zone', 'global'],
    'One zone, or the control plane above zones. `global` is refused until it exists.',
    {
      aliases: { standalone: 'zone' },
    },
  ),
  store: storeSettings,
  bootstrapServer: bootstrapServerSettings,
  monitoringAssignmentServer: monitoringSettings,
  xdsServer: xdsServerSettings,
  apiServer: apiServerSettings,
  runtime: { kubernetes: kubernetesSettings, universal: universalSettings },
  defaults: defaultsSettings,
  metrics: metricsSettings,
  reports: reportsSettings,
  general: generalSettings,
  dnsServer: dnsServerSettings,
  multizone: multizoneSettings,
  diagnostics: diagnosticsSettings,
  dpServer: dpServerSettings,
  interCp: interCpSettings,
  access: accessSettings,
  experimental: experimentalSettings,
  proxy: proxySettings,
  tracing: tracingSettings,
  eventBus: eventBusSettings,
  policies: policiesSettings,
  coreResources: coreResourcesSettings,
  ipam: ipamSettings,
  meshService: meshServiceSettings,
  kmesh: kmeshSettings,
};

/** The values of all settings: `settings.apiServer.http.port`. Durations are in milliseconds. */
export type Settings = ValuesOf<typeof settingsTable>;
