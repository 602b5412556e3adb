// Who may do what: by lists of the settings or by roles in the store, as `access.type` says.

import { MeshError } from '@ursa/resources';
import type { Component } from './component.ts';
import type { Settings } from './config/settings.ts';
import type { AccessControl } from './identity/access-control.ts';
import { adminTokenFile } from './identity/admin-token-file.ts';
import { isGranted } from './identity/roles/decision.ts';
import { rulesOf } from './identity/roles/granted-rules.ts';
import { makeDefaultRoles } from './identity/roles/make-default-roles.ts';
import { roleAccessControl, storedRoles } from './identity/roles/role-access.ts';
import { staticAccessControl } from './identity/static-access.ts';
import { anonymousUser } from './identity/users.ts';
import type { Log } from './log.ts';
import type { LiveResources } from './store/live-resources.ts';
import type { Store } from './store/store.ts';

/** The access control of the settings. */
export function composeAccess({ access }: Settings, live: LiveResources): AccessControl {
  return access.type === 'rbac' ? roleAccessControl(live, access.static) : staticAccessControl(access.static);
}

/** The file with the administrator's token, if the settings want one. Errors: `MeshError('invalid')` when there will be no such token. */
export function composeAdminTokenFile({ apiServer }: Settings, live: LiveResources, log: Log): readonly Component[] {
  const { adminTokenFile: file, bootstrapAdminToken } = apiServer.authn.tokens;
  if (file === '') return [];
  if (!bootstrapAdminToken) {
    throw new MeshError(
      'invalid',
      'apiServer.authn.tokens.adminTokenFile (KUMA_API_SERVER_AUTHN_TOKENS_ADMIN_TOKEN_FILE): there is no such token while apiServer.authn.tokens.bootstrapAdminToken is false: switch that on, or leave the file out',
    );
  }
  const onFailure = (error: unknown) =>
    log.component('access').error("the administrator's token could not be written", { file, error });
  return [adminTokenFile({ live, file, onFailure })];
}

/** Makes the first roles, and warns while strangers may do everything; nothing when access is static. */
export function composeRoles({ access }: Settings, store: Store, live: LiveResources, log: Log): readonly Component[] {
  if (access.type !== 'rbac') return [];
  const start = async (): Promise<void> => {
    await makeDefaultRoles(store);
    const strangers = rulesOf(storedRoles(live), anonymousUser);
    const request = { kind: 'token', access: 'GENERATE_USER_TOKEN', mesh: '', name: '', tags: {} } as const;
    if (isGranted(strangers, request)) {
      log.component('access').warn('callers without credentials may do everything: bind the role to fewer subjects', {
        remedy: 'kumactl get accessrolebinding default -oyaml, then take mesh-system:unauthenticated out',
      });
    }
  };
  return [{ name: 'access-roles', start, stop: async () => {} }];
}
