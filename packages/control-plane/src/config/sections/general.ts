// Settings that belong to no single server.
import { choice, duration, flag, list, port, text, whole } from '../setting.ts';
import { tlsLimits } from './tls.ts';

/** `general` */
export const generalSettings = {
  dnsCacheTTL: duration(
    'KUMA_GENERAL_DNS_CACHE_TTL',
    '10s',
    'How long it takes until the host name that a proxy has for an address is looked up again.',
  ),
  tlsCertFile: text(
    'KUMA_GENERAL_TLS_CERT_FILE',
    '',
    'Certificate of all servers; empty: one is made and kept in the work directory.',
  ),
  tlsKeyFile: text('KUMA_GENERAL_TLS_KEY_FILE', '', 'Key of all servers.'),
  ...tlsLimits('KUMA_GENERAL'),
  workers: whole(
    'KUMA_GENERAL_WORKERS',
    1,
    'Processes that share the ports of this control plane on this machine; more than one needs the PostgreSQL store.',
    { min: 1, max: 64 },
  ),
  workDir: text('KUMA_GENERAL_WORK_DIR', '', 'Folder of the store and of generated certificates; empty: `~/.kuma`.'),
  resilientComponentBaseBackoff: duration(
    'KUMA_GENERAL_RESILIENT_COMPONENT_BASE_BACKOFF',
    '5s',
    'First wait before a part that only the leader runs is started again when it could not start.',
  ),
  resilientComponentMaxBackoff: duration(
    'KUMA_GENERAL_RESILIENT_COMPONENT_MAX_BACKOFF',
    '1m',
    'Longest wait before it is started again.',
  ),
  certGenerationBaseBackoff: duration(
    'KUMA_GENERAL_CERT_GENERATION_BASE_BACKOFF',
    '5s',
    'First wait of a proxy whose certificate could not be issued; each further failure doubles it.',
  ),
  certGenerationMaxBackoff: duration(
    'KUMA_GENERAL_CERT_GENERATION_MAX_BACKOFF',
    '5m',
    'Longest wait before its certificate is tried again.',
  ),
  certGenerationCircuitBreakerMinProxies: whole(
    'KUMA_GENERAL_CERT_GENERATION_CIRCUIT_BREAKER_MIN_PROXIES',
    10,
    'So many proxies must fail before only one at a time asks their authority for a certificate; 0: that never happens.',
  ),
};

/** `defaults` */
export const defaultsSettings = {
  skipMeshCreation: flag('KUMA_DEFAULTS_SKIP_MESH_CREATION', false, 'Do not make the mesh `default`.'),
  skipTenantResources: flag('KUMA_DEFAULTS_SKIP_TENANT_RESOURCES', false, 'Make no default resources at all.'),
  createMeshRoutingResources: flag(
    'KUMA_DEFAULTS_CREATE_MESH_ROUTING_RESOURCES',
    false,
    'Make the TrafficPermission and the TrafficRoute that older versions made with each mesh.',
  ),
  skipHostnameGenerators: flag(
    'KUMA_DEFAULTS_SKIP_HOSTNAME_GENERATORS',
    false,
    'Do not make the default HostnameGenerators.',
  ),
};

/** `dnsServer` */
export const dnsServerSettings = {
  domain: text('KUMA_DNS_SERVER_DOMAIN', 'mesh', 'Domain of service names.'),
  CIDR: text('KUMA_DNS_SERVER_CIDR', '240.0.0.0/4', 'Addresses given to services known by their tag.'),
  serviceVipEnabled: flag(
    'KUMA_DNS_SERVER_SERVICE_VIP_ENABLED',
    true,
    'Give an address to every service known by its tag.',
  ),
  serviceVipPort: port('KUMA_DNS_SERVICE_SERVICE_VIP_PORT', 80, 'Port of those addresses.'),
};

/** `ipam` */
export const ipamSettings = {
  meshService: { cidr: text('KUMA_IPAM_MESH_SERVICE_CIDR', '241.0.0.0/8', 'Addresses of MeshServices.') },
  meshExternalService: {
    cidr: text('KUMA_IPAM_MESH_EXTERNAL_SERVICE_CIDR', '242.0.0.0/8', 'Addresses of MeshExternalServices.'),
  },
  meshMultiZoneService: {
    cidr: text('KUMA_IPAM_MESH_MULTI_ZONE_SERVICE_CIDR', '243.0.0.0/8', 'Addresses of MeshMultiZoneServices.'),
  },
  allocationInterval: duration('KUMA_IPAM_ALLOCATION_INTERVAL', '5s', 'How often the peer gives out addresses.', {
    noEffect: 'Addresses are given out when a service appears.',
  }),
  knownInternalCIDRs: list('KUMA_IPAM_KNOWN_INTERNAL_CIDRS', [], 'Addresses from which requests count as internal.', {
    noEffect: 'Not built yet.',
  }),
};

/** `access` */
export const accessSettings = {
  type: choice(
    'KUMA_ACCESS_TYPE',
    'static',
    ['static', 'rbac'],
    'How permissions are given out: by the lists below, or by AccessRoles and AccessRoleBindings (`rbac`). Whom roles have locked out gets in again with `static`.',
  ),
  static: {
    adminResources: {
      users: list(
        'KUMA_ACCESS_STATIC_ADMIN_RESOURCES_USERS',
        ['mesh-system:admin'],
        'Users that may read and write secrets and other resources of the administrator.',
      ),
      groups: list('KUMA_ACCESS_STATIC_ADMIN_RESOURCES_GROUPS', ['mesh-system:admin'], 'Groups that may do so.'),
    },
    generateDpToken: {
      users: list(
        'KUMA_ACCESS_STATIC_GENERATE_DP_TOKEN_USERS',
        ['mesh-system:admin'],
        'Users that may issue data plane tokens.',
      ),
      groups: list('KUMA_ACCESS_STATIC_GENERATE_DP_TOKEN_GROUPS', ['mesh-system:admin'], 'Groups that may do so.'),
    },
    generateUserToken: {
      users: list(
        'KUMA_ACCESS_STATIC_GENERATE_USER_TOKEN_USERS',
        ['mesh-system:admin'],
        'Users that may issue user tokens.',
      ),
      groups: list('KUMA_ACCESS_STATIC_GENERATE_USER_TOKEN_GROUPS', ['mesh-system:admin'], 'Groups that may do so.'),
    },
    generateZoneToken: {
      users: list(
        'KUMA_ACCESS_STATIC_GENERATE_ZONE_TOKEN_USERS',
        ['mesh-system:admin'],
        'Users that may issue zone tokens.',
      ),
      groups: list('KUMA_ACCESS_STATIC_GENERATE_ZONE_TOKEN_GROUPS', ['mesh-system:admin'], 'Groups that may do so.'),
    },
    viewConfigDump: {
      users: list('KUMA_ACCESS_STATIC_GET_CONFIG_DUMP_USERS', [], 'Users that may read the configuration of a proxy.'),
      groups: list(
        'KUMA_ACCESS_STATIC_GET_CONFIG_DUMP_GROUPS',
        ['mesh-system:unauthenticated', 'mesh-system:authenticated'],
        'Groups that may do so.',
      ),
    },
    viewStats: {
      users: list('KUMA_ACCESS_STATIC_VIEW_STATS_USERS', [], 'Users that may read the statistics of a proxy.'),
      groups: list(
        'KUMA_ACCESS_STATIC_VIEW_STATS_GROUPS',
        ['mesh-system:unauthenticated', 'mesh-system:authenticated'],
        'Groups that may do so.',
      ),
    },
    viewClusters: {
      users: list('KUMA_ACCESS_STATIC_VIEW_CLUSTERS_USERS', [], 'Users that may read the clusters of a proxy.'),
      groups: list(
        'KUMA_ACCESS_STATIC_VIEW_CLUSTERS_GROUPS',
        ['mesh-system:unauthenticated', 'mesh-system:authenticated'],
        'Groups that may do so.',
      ),
    },
    controlPlaneMetadata: {
      users: list(
        'KUMA_ACCESS_STATIC_CONTROL_PLANE_METADATA_USERS',
        [],
        'Users that may read facts about the control plane.',
      ),
      groups: list(
        'KUMA_ACCESS_STATIC_CONTROL_PLANE_METADATA_GROUPS',
        ['mesh-system:unauthenticated', 'mesh-system:authenticated'],
        'Groups that may do so.',
      ),
    },
  },
};
