// The `conf` of mTLS backends whose authority is elsewhere: its shape, and what the shape cannot say.
import { type Static, Type } from 'typebox';
import { closed, dataSource, optionalFlag, optionalText } from '../schema/shapes.ts';
import type { ViolationList } from '../violations.ts';

const source = Type.Optional(dataSource);

/** Keys of an AWS identity; without them the control plane's own. */
const awsKeys = closed({ accessKey: source, accessKeySecret: source });
type AwsCredentials = Static<typeof awsKeys>;
const awsCredentials = Type.Optional(awsKeys);

/** A Vault, or what speaks its API, such as OpenBao; asked by the control plane. */
export const vaultConf = closed({
  fromCp: Type.Optional(
    closed({
      address: optionalText,
      agentAddress: optionalText,
      namespace: optionalText,
      pki: optionalText,
      role: optionalText,
      commonName: optionalText,
      tls: Type.Optional(closed({ caCert: source, skipVerify: optionalFlag, serverName: optionalText })),
      auth: Type.Optional(
        closed({
          token: source,
          tls: Type.Optional(
            closed({ clientCert: source, clientKey: source, role: optionalText, mountPath: optionalText }),
          ),
          approle: Type.Optional(closed({ roleId: source, secretId: source, mountPath: optionalText })),
          aws: Type.Optional(
            closed({
              role: optionalText,
              mountPath: optionalText,
              region: optionalText,
              iamServerIdHeader: optionalText,
              awsCredentials,
            }),
          ),
        }),
      ),
    }),
  ),
});
/** Settings of a Vault. */
export type VaultConf = Static<typeof vaultConf>;

/** An authority of AWS Private CA; asked by the control plane. */
export const acmConf = closed({
  arn: optionalText,
  commonName: optionalText,
  caCert: source,
  auth: Type.Optional(closed({ awsCredentials })),
});
/** Settings of an authority of AWS Private CA. */
export type AcmConf = Static<typeof acmConf>;

const rules: Readonly<Record<string, (violations: ViolationList, field: string, conf: unknown) => void>> = {
  provided(violations, field, conf) {
    const { cert, key } = conf as Readonly<Record<string, unknown>>;
    for (const [part, value] of Object.entries({ cert, key })) {
      if (value === undefined) violations.add(`${field}.${part}`, 'has to be defined');
    }
  },
  acmpca: (violations, field, conf) => checkAcm(violations, field, conf as AcmConf),
  vault: (violations, field, conf) => checkVault(violations, `${field}.fromCp`, (conf as VaultConf).fromCp),
};

/** Adds what is wrong with the conf of an authority whose shape is right. */
export function checkAuthorityConf(violations: ViolationList, field: string, type: string, conf: unknown): void {
  rules[type]?.(violations, field, conf ?? {});
}

function checkVault(violations: ViolationList, field: string, fromCp: VaultConf['fromCp']): void {
  if (fromCp === undefined) {
    violations.add(field, 'has to be defined: it says where Vault is');
    return;
  }
  const { address = '', agentAddress = '', commonName, auth = {} } = fromCp;
  if (address === '' && agentAddress === '') violations.add(`${field}.address`, 'cannot be empty');
  for (const [name, url] of Object.entries({ address, agentAddress })) {
    if (url !== '' && !/^https?:\/\/[^/\s]+\/?$/.test(url))
      violations.add(`${field}.${name}`, 'has to be a URL such as https://vault.example:8200');
  }
  for (const name of ['pki', 'role'] as const) {
    if (!/^[\w.-]+(\/[\w.-]+)*\/?$/.test(fromCp[name] ?? ''))
      violations.add(`${field}.${name}`, fromCp[name] ? 'has to be a path without a leading slash' : 'cannot be empty');
  }
  checkCommonName(violations, `${field}.commonName`, commonName);
  const ways = Object.keys(auth);
  // An agent may add the token itself.
  if (ways.length > 1 || (ways.length === 0 && agentAddress === ''))
    violations.add(`${field}.auth`, 'has to have exactly one of: token, tls, approle, aws');
  const { tls, approle, aws } = auth;
  for (const [name, value] of Object.entries({ clientCert: tls?.clientCert, clientKey: tls?.clientKey }))
    if (tls !== undefined && value === undefined) violations.add(`${field}.auth.tls.${name}`, 'has to be defined');
  for (const [name, value] of Object.entries({ roleId: approle?.roleId, secretId: approle?.secretId }))
    if (approle !== undefined && value === undefined)
      violations.add(`${field}.auth.approle.${name}`, 'has to be defined');
  const { region = '', awsCredentials: keys } = aws ?? {};
  if (region !== '' && !regionName.test(region))
    violations.add(`${field}.auth.aws.region`, 'has to be the name of a region, such as eu-west-1');
  checkAwsCredentials(violations, `${field}.auth.aws.awsCredentials`, keys);
}

const regionName = /^[a-z]+(-[a-z0-9]+)+$/;

function checkAwsCredentials(violations: ViolationList, field: string, keys: AwsCredentials | undefined): void {
  if (keys === undefined) return;
  for (const name of ['accessKey', 'accessKeySecret'] as const)
    if (keys[name] === undefined) violations.add(`${field}.${name}`, 'has to be defined');
}

function checkAcm(violations: ViolationList, field: string, { arn = '', commonName, auth }: AcmConf): void {
  if (!/^arn:aws[a-z-]*:acm-pca:[a-z]+(-[a-z0-9]+)+:\d{12}:certificate-authority\/[\w-]+$/.test(arn))
    violations.add(
      `${field}.arn`,
      arn === ''
        ? 'cannot be empty'
        : 'has to be the ARN of a certificate authority, such as arn:aws:acm-pca:eu-west-1:123456789012:certificate-authority/<id>',
    );
  checkCommonName(violations, `${field}.commonName`, commonName);
  checkAwsCredentials(violations, `${field}.auth.awsCredentials`, auth?.awsCredentials);
}

/** Text with at most the directive `{{ tag "<name>" }}` in it. */
function checkCommonName(violations: ViolationList, field: string, commonName = ''): void {
  const rest = commonName.replaceAll(commonNameTag, '');
  if (/\{\{|\}\}/.test(rest))
    violations.add(
      field,
      'the one directive that it may have is {{ tag "<name>" }}, such as {{ tag "kuma.io/service" }}.mesh',
    );
}

/** The directive in common names that stands for the value of a tag; the tag's name is its first group. */
export const commonNameTag = /\{\{\s*tag\s+"([^"]+)"\s*\}\}/g;
