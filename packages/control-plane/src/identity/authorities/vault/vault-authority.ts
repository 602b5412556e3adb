// Backends of type `vault`: certificates are made by the PKI secrets engine of a Vault or an OpenBao, which the control plane asks.
import type { VaultConf } from '@ursa/resources';
import { textIn, textsIn } from '../answer-fields.ts';
import { keySources, keysIn } from '../aws/aws-identity.ts';
import { validateClientPair } from '../client-pair.ts';
import { commonNameOf } from '../common-name.ts';
import {
  type AuthorityConf,
  defineCertificateAuthority,
  type OpenAuthority,
  type SourceContents,
} from '../define-authority.ts';
import { anchorsOf, joinCertificates, signedLeaf } from '../issued-certificate.ts';
import { usualRegion } from './aws-login.ts';
import { createVaultClient, refusedByVault, type VaultClient, type VaultServer } from './vault-client.ts';
import { openVaultSession, type VaultAuth } from './vault-session.ts';

/** Everything that a Vault is asked with. */
interface VaultMaterial {
  readonly server: VaultServer;
  readonly auth: VaultAuth;
  readonly pki: string;
  readonly role: string;
  readonly commonName: string;
}

type Settings = NonNullable<VaultConf['fromCp']>;

const settingsOf = (conf: AuthorityConf): Settings => (conf as VaultConf).fromCp ?? {};
const mostIssuers = 100;
const awsKeysField = 'fromCp.auth.aws.awsCredentials';

/** The type `vault`. */
export const vaultAuthority = defineCertificateAuthority<VaultMaterial>({
  type: 'vault',
  sources(conf) {
    const { tls, auth = {} } = settingsOf(conf);
    const { token, tls: certificate, approle, aws } = auth;
    return {
      ...(tls?.caCert === undefined ? {} : { 'fromCp.tls.caCert': tls.caCert }),
      ...(token === undefined ? {} : { 'fromCp.auth.token': token }),
      ...(certificate === undefined
        ? {}
        : {
            'fromCp.auth.tls.clientCert': certificate.clientCert,
            'fromCp.auth.tls.clientKey': certificate.clientKey,
          }),
      ...(approle === undefined
        ? {}
        : { 'fromCp.auth.approle.roleId': approle.roleId, 'fromCp.auth.approle.secretId': approle.secretId }),
      ...keySources(awsKeysField, aws?.awsCredentials),
    };
  },
  validate: (_conf, contents) => validateClientPair(contents, 'fromCp.tls.caCert', 'fromCp.auth.tls'),
  prepare(conf, contents) {
    const [violation] = validateClientPair(contents, 'fromCp.tls.caCert', 'fromCp.auth.tls');
    if (violation !== undefined) return { fault: `conf.${violation.field}: ${violation.message}` };
    const { pki = '', role = '', commonName = '' } = settingsOf(conf);
    const server = serverOf(settingsOf(conf), contents);
    const material = { server, auth: authOf(settingsOf(conf), contents), pki: trimmed(pki), role, commonName };
    const { address, namespace } = server;
    return { material, issuer: { address, namespace, pki: material.pki, role, commonName } };
  },
  open(material, context): OpenAuthority {
    const { server, auth, pki, role, commonName } = material;
    const client = createVaultClient(server);
    const session = openVaultSession(client, auth, context);
    const path = `${pki}/issue/${role}`;
    return {
      async issue(request, signal) {
        const body = {
          ...(commonName === '' ? {} : { common_name: commonNameOf(commonName, request.names) }),
          uri_sans: request.names.uris ?? [],
          ttl: `${Math.round(request.lifetime / 1000)}s`,
          format: 'pem',
          private_key_format: 'pkcs8',
          exclude_cn_from_sans: true,
        };
        const answer = await session.call({ method: 'POST', path, body, signal });
        if (answer.status !== 200) throw refusedByVault(client, path, answer, remedyOf(answer.status, path, role));
        const { data } = answer.body;
        const issuers = [textIn(data, 'issuing_ca'), ...textsIn(data, 'ca_chain')];
        const certificate = joinCertificates([textIn(data, 'certificate'), ...issuers]);
        return signedLeaf(request, { certificate, privateKey: textIn(data, 'private_key') });
      },
      roots: (signal) => readRoots(client, pki, signal),
      stop() {
        session.stop();
        client.stop();
      },
    };
  },
});

/**
 * The roots of all authorities of the mount: one that is about to issue, or has issued until now, is trusted too. Vault tells this to
 * everybody, so no token is shown.
 */
async function readRoots(client: VaultClient, pki: string, signal: AbortSignal): Promise<string> {
  const list = await client.call({ method: 'LIST', path: `${pki}/issuers`, signal });
  if (list.status === 200) {
    const answers = await Promise.all(
      textsIn(list.body, 'data', 'keys')
        .slice(0, mostIssuers)
        .map((id) => client.call({ method: 'GET', path: `${pki}/issuer/${id}/json`, signal })),
    );
    const anchors = answers.map(({ body }) =>
      anchorsOf(joinCertificates([textIn(body, 'data', 'certificate'), ...textsIn(body, 'data', 'ca_chain')])),
    );
    return joinCertificates(anchors);
  }
  // Before version 1.11 a mount has one authority.
  const path = `${pki}/cert/ca_chain`;
  const answer = await client.call({ method: 'GET', path, signal });
  const remedy = `is a PKI secrets engine mounted at ${pki}? See conf.fromCp.pki and conf.fromCp.namespace`;
  if (answer.status !== 200) throw refusedByVault(client, path, answer, remedy);
  return anchorsOf(textIn(answer.body, 'data', 'certificate'));
}

function serverOf(
  { address = '', agentAddress = '', namespace = '', tls = {} }: Settings,
  contents: SourceContents,
): VaultServer {
  const { 'fromCp.auth.tls.clientCert': certificate, 'fromCp.auth.tls.clientKey': privateKey } = contents;
  return {
    address: agentAddress === '' ? address : agentAddress,
    namespace,
    caCert: contents['fromCp.tls.caCert'],
    skipVerify: tls.skipVerify ?? false,
    serverName: tls.serverName || undefined,
    client: certificate === undefined || privateKey === undefined ? undefined : { certificate, privateKey },
  };
}

function authOf({ auth = {} }: Settings, contents: SourceContents): VaultAuth {
  const { token, tls, approle, aws } = auth;
  // Files usually end with a line break, tokens never do.
  const content = (name: string): string => (contents[`fromCp.auth.${name}`] ?? '').trim();
  if (token !== undefined) return { kind: 'token', token: content('token') };
  if (tls !== undefined) return { kind: 'tls', mountPath: trimmed(tls.mountPath || 'cert'), role: tls.role ?? '' };
  if (aws !== undefined) {
    const { mountPath, role = '', region, iamServerIdHeader: serverId = '' } = aws;
    const login = { role, region: region || usualRegion, serverId };
    return { kind: 'aws', mountPath: trimmed(mountPath || 'aws'), login, keys: keysIn(awsKeysField, contents) };
  }
  if (approle === undefined) return { kind: 'agent' };
  const mountPath = trimmed(approle.mountPath || 'approle');
  return { kind: 'approle', mountPath, roleId: content('approle.roleId'), secretId: content('approle.secretId') };
}

function trimmed(path: string): string {
  return path.replace(/\/+$/, '');
}

function remedyOf(status: number, path: string, role: string): string {
  if (status === 403) return `the token needs a policy that lets it create and update ${path}`;
  if (status === 404) return 'see conf.fromCp.pki and conf.fromCp.namespace';
  if (status === 400)
    return `see what the role ${role} allows: URIs that begin with spiffe:// and kuma://, no common name needed`;
  return 'see the log of Vault';
}
