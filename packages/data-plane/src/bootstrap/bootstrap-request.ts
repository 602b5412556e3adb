// The body of POST /bootstrap: who this proxy is and what it can do (reference s9).
import type { TransparentProxyConfig } from '@ursa/transparent-proxy';
import type { EnvoyVersion } from '../envoy/envoy-version.ts';
import { formatRedirection } from '../read-redirection.ts';
import type { Settings } from '../settings/definitions.ts';
import { version } from '../version.ts';
import type { CollectorInventory } from './collector-environment.ts';

/** What the request tells beside the settings. */
export interface BootstrapFacts {
  readonly mesh: string;
  readonly name: string;
  /** The proxy's resource as JSON; '' when it exists in the control plane. */
  readonly resource: string;
  readonly token: string;
  /** File that holds the token; '' without a token. */
  readonly tokenPath: string;
  /** PEM; '' when the machine's authorities verify the control plane. */
  readonly caCert: string;
  readonly envoy: EnvoyVersion;
  readonly workDir: string;
  readonly readinessPort: number;
  readonly systemCaPath: string;
  /** Bytes that Envoy may use; 0 when nothing limits it. */
  readonly maxHeapSizeBytes: number;
  /** How traffic is redirected to the proxy; undefined when none is. */
  readonly redirection: TransparentProxyConfig | undefined;
  /** Port on which kuma-dp answers DNS; 0 when it does not. */
  readonly dnsPort: number;
  /** Of the machine that it runs on; '' when that is not known. */
  readonly machineId: string;
  /** Variables about OpenTelemetry collectors; undefined where none is set. */
  readonly collectors: CollectorInventory | undefined;
}

/** The request as JSON text. */
export function formatBootstrapRequest(settings: Settings, facts: BootstrapFacts): string {
  return JSON.stringify({
    mesh: facts.mesh,
    name: facts.name,
    proxyType: settings.proxyType,
    dataplaneToken: facts.token,
    dataplaneTokenPath: facts.tokenPath,
    dataplaneResource: facts.resource,
    caCert: facts.caCert,
    version: {
      kumaDp: { version, gitTag: '', gitCommit: '', buildDate: '' },
      envoy: { version: facts.envoy.version, build: facts.envoy.build, kumaDpCompatible: facts.envoy.compatible },
    },
    dynamicMetadata: {},
    ...(facts.dnsPort === 0 ? {} : { dnsPort: facts.dnsPort }),
    readinessPort: facts.readinessPort,
    // The name says the opposite of what it means: true makes the control plane expect a probe proxy here (reference s9).
    appProbeProxyDisabled: settings.applicationProbeProxyPort > 0,
    operatingSystem: process.platform,
    features: proxyFeatures(settings, facts),
    resources: facts.maxHeapSizeBytes > 0 ? { maxHeapSizeBytes: facts.maxHeapSizeBytes } : {},
    workdir: facts.workDir,
    metricsResources: { certPath: settings.metricsCertPath, keyPath: settings.metricsKeyPath },
    systemCaPath: facts.systemCaPath,
    ...(facts.redirection === undefined ? {} : { dataplaneConfig: formatRedirection(facts.redirection) }),
    ipv6Enabled: settings.ipv6Enabled,
    spireResources: { socketPath: settings.spireSocketPath },
    ...(facts.machineId === '' ? {} : { machineId: facts.machineId }),
    ...(facts.collectors === undefined ? {} : { otelEnv: facts.collectors }),
  });
}

/** What this proxy announces; the control plane configures Envoy by it. Nothing is announced that kuma-dp does not serve. */
export function proxyFeatures(
  settings: Settings,
  { redirection, dnsPort }: Pick<BootstrapFacts, 'redirection' | 'dnsPort'>,
): readonly string[] {
  return [
    // It will post /ready: only then the others may send to it.
    'feature-announces-readiness',
    'feature-tcp-accesslog-via-named-pipe',
    ...(settings.xdsVariant === 'DELTA_GRPC' ? ['feature-delta-grpc'] : []),
    ...(settings.strictInboundPorts ? ['feature-strict-inbound-ports'] : []),
    ...(settings.reusePort ? ['feature-reuse-port'] : []),
    ...(redirection === undefined ? [] : ['feature-transparent-proxy-in-dataplane-metadata']),
    ...(redirection?.ipFamilyMode === 'dualstack' ? ['feature-virtual-ipv6'] : []),
    ...(dnsPort === 0 ? [] : ['feature-embedded-dns']),
    ...(settings.bindOutbounds ? ['feature-bind-outbounds'] : []),
    ...(settings.unifiedResourceNaming ? ['feature-unified-resource-naming'] : []),
    ...(settings.spireSupported ? ['feature-spire'] : []),
  ];
}
