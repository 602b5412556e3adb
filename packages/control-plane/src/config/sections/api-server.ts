// Settings of the REST API and the GUI.
import { choice, duration, flag, list, port, records, text, whole } from '../setting.ts';
import { tlsLimits } from './tls.ts';

/** `apiServer` */
export const apiServerSettings = {
  http: {
    enabled: flag('KUMA_API_SERVER_HTTP_ENABLED', true, 'Serve the API over HTTP.'),
    interface: text(
      'KUMA_API_SERVER_HTTP_INTERFACE',
      '0.0.0.0',
      'Address the HTTP server listens on; `::` for IPv4 and IPv6.',
    ),
    port: port('KUMA_API_SERVER_HTTP_PORT', 5681, 'Port of the HTTP server.'),
  },
  https: {
    enabled: flag('KUMA_API_SERVER_HTTPS_ENABLED', true, 'Serve the API over HTTPS.'),
    interface: text(
      'KUMA_API_SERVER_HTTPS_INTERFACE',
      '0.0.0.0',
      'Address the HTTPS server listens on; `::` for IPv4 and IPv6.',
    ),
    port: port('KUMA_API_SERVER_HTTPS_PORT', 5682, 'Port of the HTTPS server.'),
    tlsCertFile: text('KUMA_API_SERVER_HTTPS_TLS_CERT_FILE', '', 'Certificate; empty: that of `general`.'),
    tlsKeyFile: text('KUMA_API_SERVER_HTTPS_TLS_KEY_FILE', '', 'Key; empty: that of `general`.'),
    tlsCaFile: text(
      'KUMA_API_SERVER_HTTPS_CLIENT_CERTS_CA_FILE',
      '',
      'Authority that client certificates must come from.',
    ),
    ...tlsLimits('KUMA_API_SERVER_HTTPS'),
    requireClientCert: flag(
      'KUMA_API_SERVER_HTTPS_REQUIRE_CLIENT_CERT',
      false,
      'Refuse clients without a certificate.',
    ),
  },
  auth: {
    clientCertsDir: text(
      'KUMA_API_SERVER_AUTH_CLIENT_CERTS_DIR',
      '',
      'Folder of client certificates that count as the administrator.',
    ),
  },
  authn: {
    type: choice(
      'KUMA_API_SERVER_AUTHN_TYPE',
      'tokens',
      ['tokens', 'adminClientCerts'],
      'How callers are authenticated.',
    ),
    localhostIsAdmin: flag(
      'KUMA_API_SERVER_AUTHN_LOCALHOST_IS_ADMIN',
      true,
      'A caller from loopback without credentials is the administrator.',
    ),
    tokens: {
      bootstrapAdminToken: flag(
        'KUMA_API_SERVER_AUTHN_TOKENS_BOOTSTRAP_ADMIN_TOKEN',
        true,
        'Keep a token of the administrator in the GlobalSecret `admin-user-token`.',
      ),
      adminTokenFile: text(
        'KUMA_API_SERVER_AUTHN_TOKENS_ADMIN_TOKEN_FILE',
        '',
        'File, readable by its owner only, that this token is kept in, for people of this machine. Empty: none.',
      ),
      enableIssuer: flag(
        'KUMA_API_SERVER_AUTHN_TOKENS_ENABLE_ISSUER',
        true,
        'Issue user tokens; switch off when all are signed offline.',
      ),
      validator: {
        useSecrets: flag(
          'KUMA_API_SERVER_AUTHN_TOKENS_VALIDATOR_USE_SECRETS',
          true,
          'Verify user tokens with the signing keys in the store.',
        ),
        publicKeys: records(['kid', 'key', 'keyFile'], 'Further keys to verify user tokens with.'),
      },
    },
  },
  readOnly: flag('KUMA_API_SERVER_READ_ONLY', false, 'Answer reads only.'),
  corsAllowedDomains: list(
    'KUMA_API_SERVER_CORS_ALLOWED_DOMAINS',
    [],
    'Origins or host names whose pages may call the API; `*` for all.',
  ),
  rootUrl: text('KUMA_API_SERVER_ROOT_URL', '', 'URL under which a reverse proxy serves the API.', {
    noEffect: 'Links are made from the address the caller used.',
  }),
  basePath: text('KUMA_API_SERVER_BASE_PATH', '/', 'Path under which the API is served.'),
  gui: {
    enabled: flag('KUMA_API_SERVER_GUI_ENABLED', true, 'Serve the GUI.'),
    rootUrl: text('KUMA_API_SERVER_GUI_ROOT_URL', '', 'URL under which a reverse proxy serves the GUI.'),
    basePath: text('KUMA_API_SERVER_GUI_BASE_PATH', '/gui', 'Path under which the GUI is served.'),
  },
  readHeaderTimeout: duration(
    'KUMA_API_SERVER_READ_HEADER_TIMEOUT',
    '1s',
    'Time a client has for its request headers.',
  ),
  readTimeout: duration('KUMA_API_SERVER_READ_TIMEOUT', '10s', 'Time a client has for its whole request.'),
  writeTimeout: duration('KUMA_API_SERVER_WRITE_TIMEOUT', '30s', 'Time an answer may take.'),
  idleTimeout: duration('KUMA_API_SERVER_IDLE_TIMEOUT', '2m', 'A connection without requests is closed after this.'),
  maxRequestsPerSecond: whole(
    'KUMA_API_SERVER_MAX_REQUESTS_PER_SECOND',
    2000,
    'Requests a second of each user and of each address without credentials; twice as many may come at once. Administrators have no limit; 0: nobody has.',
    { min: 0 },
  ),
  maxConnections: whole(
    'KUMA_API_SERVER_MAX_CONNECTIONS',
    1000,
    'Connections to each port of the API at most; beyond that, one that idles gives way to a new one.',
    { min: 1 },
  ),
};
