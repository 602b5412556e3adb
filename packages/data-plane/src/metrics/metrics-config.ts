// What the control plane says of metrics, in the dynamic configuration: the document `/meshmetric`.
import { parseDuration } from '@ursa/resources';
import type { Collector } from '@ursa/telemetry';

/** Which metrics, by name. */
export interface MetricSelector {
  readonly type: 'Exact' | 'Prefix' | 'Contains' | 'Regex';
  readonly match: string;
}

/** Which of Envoy's metrics are shown. */
export interface SidecarMetrics {
  readonly includeUnused?: boolean;
  readonly profiles?: {
    readonly appendProfiles?: readonly { readonly name: 'All' | 'Basic' | 'None' }[];
    readonly include?: readonly MetricSelector[];
    readonly exclude?: readonly MetricSelector[];
  };
}

/** An application whose metrics are shown. */
export interface ScrapedApplication {
  readonly name: string;
  /** '' for the proxy's own host. */
  readonly address: string;
  readonly port: number;
  readonly path: string;
}

/** A collector that metrics are sent to, through a socket of Envoy's. */
export interface MetricsCollector extends Collector {
  readonly name: string;
  /** Milliseconds between two deliveries. */
  readonly interval: number;
}

/** What kuma-dp gathers, and whom it sends it to. */
export interface MetricsConfig {
  readonly sidecar: SidecarMetrics;
  readonly applications: readonly ScrapedApplication[];
  readonly collectors: readonly MetricsCollector[];
  /** Added to what is sent to collectors. */
  readonly extraLabels: Readonly<Record<string, string>>;
}

interface WrittenConfig {
  readonly observability?: {
    readonly metrics?: {
      readonly applications?: readonly Partial<ScrapedApplication>[] | null;
      readonly backends?: readonly WrittenBackend[] | null;
      readonly sidecar?: SidecarMetrics | null;
      readonly extraLabels?: Readonly<Record<string, string>> | null;
    };
  };
}

interface WrittenBackend {
  readonly type: string;
  readonly name?: string | null;
  readonly openTelemetry?: {
    readonly endpoint: string;
    readonly refreshInterval: string;
    readonly protocol?: 'grpc' | 'http';
    readonly path?: string;
  };
}

const usualInterval = 60_000;
const shortestInterval = 100;

/** Reads the document, which comes from the control plane. Throws when it is no JSON. */
export function parseMetricsConfig(text: string): MetricsConfig {
  const { applications, backends, sidecar, extraLabels } =
    (JSON.parse(text) as WrittenConfig).observability?.metrics ?? {};
  return {
    sidecar: sidecar ?? {},
    applications: (applications ?? []).map(({ name = '', address = '', port = 0, path = '/metrics/prometheus' }) => ({
      ...{ name, address, port },
      path: path.startsWith('/') ? path : `/${path}`,
    })),
    collectors: (backends ?? []).flatMap(({ name, openTelemetry }) => {
      if (openTelemetry === undefined) return [];
      const { endpoint, refreshInterval, protocol = 'grpc', path = '' } = openTelemetry;
      const interval = Math.max(shortestInterval, parseDuration(refreshInterval) ?? usualInterval);
      return [{ name: name ?? endpoint, at: { socket: endpoint }, interval, protocol, path }];
    }),
    extraLabels: extraLabels ?? {},
  };
}
