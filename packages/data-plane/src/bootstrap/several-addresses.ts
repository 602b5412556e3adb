// A control plane that is reached at several addresses: Envoy is given all of them, and goes to the next one when it loses one.
import { isIP } from 'node:net';
import { MeshError } from '@ursa/resources';
import { parse, stringify } from 'yaml';

/** Reads `https://a:5678,https://b:5678`. Errors: `MeshError('invalid')` that names the address which is none. */
export function parseAddresses(text: string): readonly [URL, ...URL[]] {
  const urls = text.split(',').map((part) => {
    const url = URL.parse(part.trim());
    if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:'))
      throw new MeshError('invalid', `expected a URL such as https://localhost:5678, got "${part.trim()}"`);
    return url;
  });
  const [first, ...others] = urls;
  if (first === undefined) throw new MeshError('invalid', 'expected a URL such as https://localhost:5678');
  return [first, ...others];
}

/** One question to each address in turn, the first one first. */
export function atEachAddress<Call extends { readonly url: URL; readonly others?: readonly URL[] }>(
  call: Call,
): readonly Call[] {
  return [call, ...(call.others ?? []).map((url) => ({ ...call, url }))];
}

interface Bootstrap {
  readonly staticResources?: {
    readonly clusters?: readonly Cluster[];
    readonly secrets?: readonly Secret[];
  };
}

interface Cluster {
  readonly name?: string;
  type?: string;
  readonly loadAssignment?: {
    readonly endpoints?: readonly { readonly lbEndpoints?: { readonly endpoint?: { readonly address?: Address } }[] }[];
  };
  typedExtensionProtocolOptions?: Readonly<Record<string, HttpOptions>>;
}

interface Address {
  readonly socketAddress?: { readonly address?: string; readonly portValue?: number };
}

interface HttpOptions {
  readonly explicitHttpConfig?: { readonly http2ProtocolOptions?: { connectionKeepalive?: object } };
}

interface Secret {
  readonly name?: string;
  readonly validationContext?: {
    readonly matchTypedSubjectAltNames?: { readonly matcher: { readonly exact: string }; readonly sanType: string }[];
  };
}

const controlPlaneClusters: readonly (string | undefined)[] = ['ads_cluster', 'system_ads'];

/** Whether a cluster of the bootstrap is the control plane. */
export function isControlPlaneCluster({ name }: { readonly name?: string }): boolean {
  return controlPlaneClusters.includes(name);
}

// The kernel of a machine answers for a process that is frozen. With another address to go to, Envoy asks the process itself.
const keepAlive = { interval: '30s', timeout: '10s' };

/**
 * The bootstrap with the other addresses beside the one it came from. Unchanged when there are none, and when the control plane has named an
 * address of its own.
 */
export function withAddresses(yaml: string, used: URL, others: readonly URL[]): string {
  if (others.length === 0) return yaml;
  const bootstrap: Bootstrap | null = parse(yaml);
  const cluster = bootstrap?.staticResources?.clusters?.find(isControlPlaneCluster);
  const endpoints = cluster?.loadAssignment?.endpoints?.[0]?.lbEndpoints;
  if (cluster === undefined || endpoints?.[0]?.endpoint?.address?.socketAddress?.address !== hostOf(used)) return yaml;
  for (const url of others) {
    endpoints.push({ endpoint: { address: { socketAddress: { address: hostOf(url), portValue: portOf(url) } } } });
  }
  if (others.some((url) => isIP(hostOf(url)) === 0)) cluster.type = 'STRICT_DNS';
  for (const options of Object.values(cluster.typedExtensionProtocolOptions ?? {})) {
    const http2 = options.explicitHttpConfig?.http2ProtocolOptions;
    if (http2 !== undefined) http2.connectionKeepalive = keepAlive;
  }
  const names = bootstrap?.staticResources?.secrets?.find(({ name }) => name === 'cp_validation_ctx')?.validationContext
    ?.matchTypedSubjectAltNames;
  for (const url of others) {
    for (const sanType of ['DNS', 'IP_ADDRESS']) names?.push({ matcher: { exact: hostOf(url) }, sanType });
  }
  return stringify(bootstrap, { lineWidth: 0, aliasDuplicateObjects: false });
}

function hostOf(url: URL): string {
  return url.hostname.replaceAll(/[[\]]/g, '');
}

function portOf(url: URL): number {
  return url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
}
