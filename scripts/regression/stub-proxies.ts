// What a control plane is told of proxies that are played by a load generator.

/**
 * Settings. The generator's proxies have streams but no Envoy: a control plane that tried to ask their admin listeners, as the guard of strict mTLS does,
 * would be measured by what else answers at their addresses.
 */
export const withoutAdminListeners = { KUMA_BOOTSTRAP_SERVER_PARAMS_ADMIN_PORT: '0' } as const;
