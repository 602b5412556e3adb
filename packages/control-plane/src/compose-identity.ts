// What the settings say of certificates, keys and tokens, read from the files they name.
import { readFile } from 'node:fs/promises';
import { MeshError } from '@ursa/resources';
import type { Settings } from './config/settings.ts';
import { adminAuthoritySecret } from './identity/admin-identities.ts';
import type { RetryLimits } from './identity/circuit.ts';
import { adminTokenSecret } from './identity/identity-secrets.ts';
import { followCertificate, type RenewalLog, type ServedCertificate } from './identity/served-certificate.ts';
import { openServerCertificate, readServerCertificate } from './identity/server-certificate.ts';
import { loadPublicKeys } from './identity/tokens/configured-keys.ts';
import { hasSigningKey } from './identity/tokens/token-keys.ts';
import { workDirOf } from './open-store.ts';
import { keyInType, type LiveResources } from './store/live-resources.ts';

/** How often an authority is asked again that could not sign. */
export function certificateRetries({ general }: Settings): RetryLimits {
  return {
    base: general.certGenerationBaseBackoff,
    max: general.certGenerationMaxBackoff,
    minHolders: general.certGenerationCircuitBreakerMinProxies,
  };
}

/** The certificate of all servers: that of the settings, else one that is made and kept in the work directory. */
export async function serverCertificate(settings: Settings, log: RenewalLog): Promise<ServedCertificate> {
  const { tlsCertFile, tlsKeyFile } = settings.general;
  if (tlsCertFile !== '') return followCertificate(await readServerCertificate(tlsCertFile, tlsKeyFile), log);
  return followCertificate(await openServerCertificate(workDirOf(settings)), log);
}

/** The certificate of the server that proxies talk to. */
export async function dpServerCertificate(settings: Settings, fallback: ServedCertificate, log: RenewalLog) {
  const { tlsCertFile, tlsKeyFile } = settings.dpServer;
  if (tlsCertFile === '') return fallback;
  return followCertificate(await readServerCertificate(tlsCertFile, tlsKeyFile), log);
}

/** The certificate of the API. Errors: `MeshError('invalid')` that names the setting. */
export async function apiCertificate(settings: Settings, fallback: ServedCertificate, log: RenewalLog) {
  const { tlsCertFile, tlsKeyFile } = settings.apiServer.https;
  if (!settings.apiServer.https.enabled || tlsCertFile === '') return fallback;
  try {
    return followCertificate(await readServerCertificate(tlsCertFile, tlsKeyFile), log);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new MeshError('invalid', `apiServer.https.tlsCertFile and tlsKeyFile: ${message}`, { cause });
  }
}

/** Content of the file that the settings name for proxies that run CoreDNS. Errors: `MeshError('invalid')` when it cannot be read. */
export async function corefileTemplateOf(settings: Settings): Promise<string | undefined> {
  const path = settings.bootstrapServer.params.corefileTemplatePath;
  if (path === '') return undefined;
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const setting = 'bootstrapServer.params.corefileTemplatePath (KUMA_BOOTSTRAP_SERVER_PARAMS_COREFILE_TEMPLATE_PATH)';
    throw new MeshError('invalid', `${setting}: cannot read ${path}: check the path and its permissions`, { cause });
  }
}

/** Public keys and switches of tokens. Errors: `MeshError('invalid')` for keys that cannot be read. */
export async function tokenSettings(settings: Settings) {
  const { dpToken } = settings.dpServer.authn.dpProxy;
  const { zoneToken } = settings.dpServer.authn.zoneProxy;
  const user = settings.apiServer.authn.tokens;
  const keys = await Promise.all([
    loadPublicKeys('dataplane', dpToken.validator.publicKeys, 'dpServer.authn.dpProxy.dpToken.validator.publicKeys'),
    loadPublicKeys('zone', zoneToken.validator.publicKeys, 'dpServer.authn.zoneProxy.zoneToken.validator.publicKeys'),
    loadPublicKeys('user', user.validator.publicKeys, 'apiServer.authn.tokens.validator.publicKeys'),
  ]);
  const secrets = { dataplane: dpToken.validator, zone: zoneToken.validator, user: user.validator } as const;
  const kinds = ['dataplane', 'zone', 'user'] as const;
  const issuers = {
    dataplane: { isOn: dpToken.enableIssuer, section: 'dpServer.authn.dpProxy.dpToken' },
    zone: { isOn: zoneToken.enableIssuer, section: 'dpServer.authn.zoneProxy.zoneToken' },
    user: { isOn: user.enableIssuer, section: 'apiServer.authn.tokens' },
  } as const;
  return {
    publicKeys: keys.flat(),
    withoutSecrets: kinds.filter((kind) => !secrets[kind].useSecrets),
    withoutIssuer: new Map(
      kinds.flatMap((kind) => {
        const { isOn, section } = issuers[kind];
        const reason = `issuing ${kind} tokens is switched off (${section}.enableIssuer): sign them with kumactl generate ${kind}-token --signing-key-path FILE --kid SERIAL, and give this control plane the public key in ${section}.validator.publicKeys`;
        return isOn ? [] : [[kind, reason] as const];
      }),
    ),
  };
}

/** Calls back once, when the control plane has the keys and authorities it makes at its start. */
export function whenSecretsAreMade(live: LiveResources, settings: Settings, made: () => void): { stop(): void } {
  const wanted = [adminAuthoritySecret];
  if (settings.apiServer.authn.tokens.bootstrapAdminToken) wanted.push(adminTokenSecret);
  const complete = live.graph.derive('initial-secrets', () => {
    const secrets = live.resources('GlobalSecret');
    const hasAll = wanted.every((name) => secrets.get(keyInType({ mesh: '', name })) !== undefined);
    return hasAll && hasSigningKey(live, 'user', '') && hasSigningKey(live, 'zone', '');
  });
  const check = (isComplete: boolean): void => {
    if (!isComplete) return;
    watch.stop();
    made();
  };
  const watch = live.graph.watch(complete, [], check);
  check(watch.value);
  return watch;
}
