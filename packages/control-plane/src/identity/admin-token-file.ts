// The administrator's token in a file that only its owner can read: the way in for people of the machine where "whoever calls from it is the
// administrator" is switched off (`apiServer.authn.localhostIsAdmin`).
import { chmodSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { MeshError } from '@ursa/resources';
import type { Component } from '../component.ts';
import { makeFolder } from '../config/make-folder.ts';
import { keyInType, type LiveResources } from '../store/live-resources.ts';
import { adminTokenSecret } from './identity-secrets.ts';
import { secretData } from './tokens/token-keys.ts';

const setting = 'apiServer.authn.tokens.adminTokenFile (KUMA_API_SERVER_AUTHN_TOKENS_ADMIN_TOKEN_FILE)';

/** What the file is kept with. */
export interface AdminTokenFileOptions {
  readonly live: LiveResources;
  readonly file: string;
  readonly onFailure: (error: unknown) => void;
}

/**
 * Keeps the file equal to the GlobalSecret `admin-user-token`, and removes it with that. Start errors: `MeshError('unavailable')` when it cannot be
 * written; later failures are told.
 */
export function adminTokenFile({ live, file, onFailure }: AdminTokenFileOptions): Component {
  const token = live.graph.derive('admin-token-file', () => {
    const secret = live.resources('GlobalSecret').get(keyInType({ mesh: '', name: adminTokenSecret }));
    return secret === undefined ? '' : Buffer.from(secretData(secret), 'base64').toString('utf8').trim();
  });
  let watch: { stop(): void } | undefined;
  return {
    name: 'admin-token-file',
    async start() {
      const started = live.graph.watch(token, [], (changed) => {
        try {
          keep(file, changed);
        } catch (error) {
          onFailure(error);
        }
      });
      watch = started;
      try {
        makeFolder(dirname(file));
        keep(file, started.value);
      } catch (cause) {
        const reason = cause instanceof Error ? cause.message : String(cause);
        throw new MeshError('unavailable', `${setting}: cannot write ${file}: ${reason}`, { cause });
      }
    },
    async stop() {
      watch?.stop();
    },
  };
}

/** Whole or not at all, and never readable by others, not even for a moment. */
function keep(file: string, token: string): void {
  if (token === '') {
    rmSync(file, { force: true });
    return;
  }
  const temporary = `${file}.${process.pid}.new`;
  rmSync(temporary, { force: true });
  writeFileSync(temporary, `${token}\n`, { mode: 0o600, flag: 'wx' });
  chmodSync(temporary, 0o600);
  renameSync(temporary, file);
}
