// The token of a running proxy and whom it trusts as the control plane: read again when their files change, by kuma-dp for its own requests, and by
// Envoy for every new stream.
import { join } from 'node:path';
import { followFile } from '../follow-file.ts';
import type { Log } from '../log.ts';
import { replacePrivate } from '../private-file.ts';
import type { Settings } from '../settings/definitions.ts';
import { authorityFile, tokenFile, withSecretFiles } from './reloaded-secrets.ts';
import { isCertificate, type Trust } from './trust.ts';

/** What they are opened with. */
export interface CredentialOptions {
  readonly settings: Pick<Settings, 'token' | 'tokenPath' | 'caCert' | 'caCertFile'>;
  readonly token: string;
  readonly trust: Trust;
  readonly log: Log;
}

/** Token and trust as they are now. */
export interface Credentials {
  token(): string;
  trust(): Trust;
  /** The bootstrap with what may change in files of the folder, which are kept current from then on. */
  reloadable(yaml: string, folder: string): string;
  close(): void;
}

const names = { token: 'control-plane-token.json', authority: 'control-plane-authority.json' } as const;

/** Opens them, and follows the files that the settings name. What was given by value stays as it is. */
export function openCredentials({ settings, token: first, trust: given, log }: CredentialOptions): Credentials {
  let token = first;
  let trust = given;
  let writeToken = (): void => {};
  let writeAuthority = (): void => {};
  const { tokenPath, caCertFile } = settings;
  const followsToken = settings.token === '' && tokenPath !== '';
  const followsAuthority = settings.caCert === '' && caCertFile !== '';
  const takeToken = (text: string): void => {
    const found = text.trim();
    if (found === token) return;
    if (found === '') {
      log.warn('the token file is empty now; the token before stays', { path: tokenPath });
      return;
    }
    token = found;
    writeToken();
    log.info('a new token is in use for new streams', { path: tokenPath });
  };
  const takeAuthority = (text: string): void => {
    if (text === trust.caCert) return;
    if (!isCertificate(text)) {
      log.warn('--ca-cert-file holds no PEM certificate now; the authority before stays', { path: caCertFile });
      return;
    }
    trust = { ...trust, caCert: text };
    writeAuthority();
    log.info('a new authority verifies the control plane', { path: caCertFile });
  };
  const followed = [
    ...(followsToken ? [followFile(tokenPath, takeToken)] : []),
    ...(followsAuthority ? [followFile(caCertFile, takeAuthority)] : []),
  ];
  return {
    token: () => token,
    trust: () => trust,
    reloadable(yaml, folder) {
      const files = {
        token: followsToken ? join(folder, names.token) : undefined,
        authority: followsAuthority ? join(folder, names.authority) : undefined,
      };
      const { yaml: changed, verification } = withSecretFiles(yaml, files);
      // Both files are there before Envoy starts to look for them.
      if (followsToken) {
        writeToken = () => replacePrivate(folder, names.token, tokenFile(token));
        writeToken();
      }
      if (followsAuthority && verification !== undefined) {
        writeAuthority = () => replacePrivate(folder, names.authority, authorityFile(verification, trust.caCert));
        writeAuthority();
      }
      return changed;
    },
    close() {
      for (const each of followed) each.stop();
    },
  };
}
