// What a proxy is told of variables about collectors: which are not there, cannot be used, or stay on its host. Never what they say.
import type { Signal } from '@ursa/policy';
import {
  type CollectorEnvironment,
  type CollectorField,
  type CollectorVariables,
  noEnvironment,
  type ResolvedCollector,
} from './collector-environment.ts';
import type { EnvironmentUse } from './collector-uses.ts';

const fieldNames: Readonly<Record<CollectorField, string>> = {
  endpoint: 'ENDPOINT',
  protocol: 'PROTOCOL',
  headers: 'HEADERS',
  timeout: 'TIMEOUT',
  insecure: 'INSECURE',
  certificate: 'CERTIFICATE',
  clientCertificate: 'CLIENT_CERTIFICATE',
  clientKey: 'CLIENT_KEY',
};

/** Warnings for one use. `layers`: the variables that the collector takes. */
export function environmentWarnings(
  use: Pick<EnvironmentUse, 'signal' | 'resource'>,
  layers: readonly CollectorVariables[],
  { lacks }: ResolvedCollector,
  environment: CollectorEnvironment = noEnvironment,
): readonly string[] {
  const { signal, resource } = use;
  const named = (list: 'kept' | 'wrong'): string =>
    layers
      .flatMap((layer) =>
        layer[list].map((field) => variableName(layer === environment.shared ? undefined : signal, field)),
      )
      .join(', ');
  const [wrong, kept] = [named('wrong'), named('kept')];
  if (lacks === 'authorities') {
    return [
      `no ${signal} are sent to ${resource}: TLS is asked for, and kuma-dp knows no authorities to trust; start it with ${variableName(undefined, 'certificate')} or --system-ca-path`,
    ];
  }
  if (lacks === 'variables') {
    const reason =
      wrong === ''
        ? `kuma-dp has no variables for it${kept === '' ? '' : ` that the control plane knows (${kept}: kuma-dp keeps what they say to itself)`}`
        : `kuma-dp cannot use ${wrong} (its log says what is expected)`;
    return [
      `no ${signal} are sent to ${resource}: its env.mode is Required, and ${reason}; start kuma-dp with ${variableName(undefined, 'endpoint')} or ${variableName(signal, 'endpoint')}, or set env.mode to Optional`,
    ];
  }
  return [
    ...(wrong === ''
      ? []
      : [
          `${wrong} of kuma-dp cannot be used for the ${signal} of ${resource} and is passed over: its log says what is expected`,
        ]),
    ...(kept === ''
      ? []
      : [`${kept} of kuma-dp has no effect on the ${signal} of ${resource}: kuma-dp keeps what it says to itself`]),
  ];
}

/** Warning for variables that several collectors of one signal want. */
export function ambiguousWarning(
  { signal, resource }: Pick<EnvironmentUse, 'signal' | 'resource'>,
  others: readonly Pick<EnvironmentUse, 'resource'>[],
  { lacks }: ResolvedCollector,
): string {
  const names = others.map((other) => other.resource).join(', ');
  const consequence = lacks === undefined ? 'its endpoint is the one of its resource' : 'nothing is sent to it';
  return `variables of kuma-dp are not used for the ${signal} of ${resource}, because they could be meant for ${names} as well: ${consequence}; set env.mode to Disabled in all of them but one`;
}

/** A variable by its field; `signal` is undefined for the one of all signals. */
function variableName(signal: Signal | undefined, field: CollectorField): string {
  return `OTEL_EXPORTER_OTLP_${signal === undefined ? '' : `${signal.toUpperCase()}_`}${fieldNames[field]}`;
}
