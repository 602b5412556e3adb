// Settings of the Kubernetes environment: the control plane's place in the cluster.
import { duration, flag, list, port, text, whole } from '../setting.ts';
import { injectorSettings } from './injector.ts';

const later = { noEffect: 'Kubernetes does not exist yet.' };

/** `runtime.kubernetes` */
export const kubernetesSettings = {
  controlPlaneServiceName: text(
    'KUMA_RUNTIME_KUBERNETES_CONTROL_PLANE_SERVICE_NAME',
    'kuma-control-plane',
    'Service of the control plane.',
    later,
  ),
  serviceAccountName: text(
    'KUMA_RUNTIME_KUBERNETES_SERVICE_ACCOUNT_NAME',
    '',
    'Service account of the control plane.',
    { ...later, deprecated: 'use runtime.kubernetes.allowedUsers' },
  ),
  allowedUsers: list(
    'KUMA_RUNTIME_KUBERNETES_ALLOWED_USERS',
    [],
    'Users that may change what only the control plane changes.',
    later,
  ),
  nodeTaintController: {
    enabled: flag(
      'KUMA_RUNTIME_KUBERNETES_NODE_TAINT_CONTROLLER_ENABLED',
      false,
      'Keep pods off nodes whose CNI is not ready.',
      later,
    ),
    cniApp: text(
      'KUMA_RUNTIME_KUBERNETES_NODE_TAINT_CONTROLLER_CNI_APP',
      '',
      'Value of the label `app` on CNI pods.',
      later,
    ),
    cniNamespace: text(
      'KUMA_RUNTIME_KUBERNETES_NODE_TAINT_CONTROLLER_CNI_NAMESPACE',
      'kube-system',
      'Namespace of CNI pods.',
      later,
    ),
  },
  admissionServer: {
    address: text('KUMA_RUNTIME_KUBERNETES_ADMISSION_SERVER_ADDRESS', '', 'Address of the admission server.', later),
    port: port('KUMA_RUNTIME_KUBERNETES_ADMISSION_SERVER_PORT', 5443, 'Port of the admission server.', later),
    certDir: text(
      'KUMA_RUNTIME_KUBERNETES_ADMISSION_SERVER_CERT_DIR',
      '',
      'Folder with `tls.crt` and `tls.key`.',
      later,
    ),
  },
  injector: injectorSettings,
  marshalingCacheExpirationTime: duration(
    'KUMA_RUNTIME_KUBERNETES_MARSHALING_CACHE_EXPIRATION_TIME',
    '5m',
    'Age at which the peer drops a parsed object.',
    later,
  ),
  controllersConcurrency: {
    podController: whole(
      'KUMA_RUNTIME_KUBERNETES_CONTROLLERS_CONCURRENCY_POD_CONTROLLER',
      10,
      'Pods worked on at a time.',
      later,
    ),
  },
  clientConfig: {
    qps: whole('KUMA_RUNTIME_KUBERNETES_CLIENT_CONFIG_QPS', 100, 'Requests per second.', later),
    burstQps: whole(
      'KUMA_RUNTIME_KUBERNETES_CLIENT_CONFIG_BURST_QPS',
      100,
      'Requests per second for a short time.',
      later,
    ),
  },
  leaderElection: {
    leaseDuration: duration(
      'KUMA_RUNTIME_KUBERNETES_LEADER_ELECTION_LEASE_DURATION',
      '15s',
      'Time after which a silent leader is replaced.',
      later,
    ),
    renewDeadline: duration(
      'KUMA_RUNTIME_KUBERNETES_LEADER_ELECTION_RENEW_DEADLINE',
      '10s',
      'Time after which a leader that cannot renew gives up.',
      later,
    ),
  },
  skipMeshOwnerReference: flag(
    'KUMA_RUNTIME_KUBERNETES_SKIP_MESH_OWNER_REFERENCE',
    false,
    'Deleting a Mesh leaves its resources.',
    later,
  ),
  supportGatewaySecretsInAllNamespaces: flag(
    'KUMA_RUNTIME_KUBERNETES_SUPPORT_GATEWAY_SECRETS_IN_ALL_NAMESPACES',
    false,
    'Gateways may use Secrets of any namespace.',
    later,
  ),
  workloadLabels: list('KUMA_RUNTIME_KUBERNETES_WORKLOAD_LABELS', [], 'Pod labels that name a workload.', later),
  disallowMultipleMeshesPerNamespace: flag(
    'KUMA_RUNTIME_KUBERNETES_DISALLOW_MULTIPLE_MESHES_PER_NAMESPACE',
    false,
    'A namespace belongs to one mesh.',
    later,
  ),
};
