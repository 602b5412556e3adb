// Settings of what is put into Kubernetes pods.
import { choice, duration, flag, list, pairs, port, type Setting, text, whole } from '../setting.ts';

const later = { noEffect: 'Kubernetes does not exist yet.' };
const injector = 'KUMA_RUNTIME_KUBERNETES_INJECTOR';
const sidecar = `${injector}_SIDECAR_CONTAINER`;

/** Compute resources of one injected container; the prefix differs from the other keys of the same section. */
function containerResources(prefix: string, requests: [string, string], limits: [string, string]) {
  const amount = (kind: string, initial: string, summary: string) =>
    text(`${prefix}_RESOURCES_${kind}`, initial, summary, later);
  return {
    requests: {
      cpu: amount('REQUESTS_CPU', requests[0], 'Processor share asked for.'),
      memory: amount('REQUESTS_MEMORY', requests[1], 'Memory asked for.'),
    },
    limits: {
      cpu: amount('LIMITS_CPU', limits[0], 'Processor share at most; 0: no limit.'),
      memory: amount('LIMITS_MEMORY', limits[1], 'Memory at most.'),
    },
  };
}

type ProbeTimes = {
  readonly initialDelaySeconds: Setting<number>;
  readonly timeoutSeconds: Setting<number>;
  readonly periodSeconds: Setting<number>;
  readonly failureThreshold: Setting<number>;
};

function probe(kind: string, initialDelay: number): ProbeTimes {
  const prefix = `${sidecar}_${kind}_PROBE`;
  return {
    initialDelaySeconds: whole(
      `${prefix}_INITIAL_DELAY_SECONDS`,
      initialDelay,
      'Seconds before the first probe.',
      later,
    ),
    timeoutSeconds: whole(`${prefix}_TIMEOUT_SECONDS`, 3, 'Seconds an answer may take.', later),
    periodSeconds: whole(`${prefix}_PERIOD_SECONDS`, 5, 'Seconds between probes.', later),
    failureThreshold: whole(`${prefix}_FAILURE_THRESHOLD`, 12, 'Bad answers in a row until it counts.', later),
  };
}

/** `runtime.kubernetes.injector` */
export const injectorSettings = {
  cniEnabled: flag(`${injector}_CNI_ENABLED`, false, 'A CNI plugin redirects traffic; no init container.', later),
  exceptions: {
    labels: pairs(
      'KUMA_RUNTIME_KUBERNETES_EXCEPTIONS_LABELS',
      { 'openshift.io/build.name': '*', 'openshift.io/deployer-pod-for.name': '*' },
      'Pods with such a label are not injected; `*` means any value.',
      later,
    ),
  },
  virtualProbesEnabled: flag(
    'KUMA_RUNTIME_KUBERNETES_VIRTUAL_PROBES_ENABLED',
    false,
    'Rewrite probes to paths on one port.',
    { ...later, deprecated: 'use runtime.kubernetes.injector.applicationProbeProxyPort' },
  ),
  virtualProbesPort: port('KUMA_RUNTIME_KUBERNETES_VIRTUAL_PROBES_PORT', 9000, 'Port of rewritten probes.', {
    ...later,
    deprecated: 'use runtime.kubernetes.injector.applicationProbeProxyPort',
  }),
  applicationProbeProxyPort: port(
    'KUMA_RUNTIME_KUBERNETES_APPLICATION_PROBE_PROXY_PORT',
    9001,
    'Port through which kubelet probes the application; 0: off.',
    later,
  ),
  caCertFile: text(
    `${injector}_CA_CERT_FILE`,
    '',
    "Authority of the control plane's certificate, given to sidecars.",
    later,
  ),
  sidecarContainer: {
    image: text(`${sidecar}_IMAGE`, 'kuma/kuma-dp:latest', 'Image of the sidecar.', later),
    redirectPortInbound: port(
      `${sidecar}_REDIRECT_PORT_INBOUND`,
      15006,
      'Port inbound traffic is redirected to.',
      later,
    ),
    ipFamilyMode: choice(
      `${sidecar}_IP_FAMILY_MODE`,
      'dualstack',
      ['dualstack', 'ipv4'],
      'Address families that are redirected.',
      later,
    ),
    redirectPortOutbound: port(
      `${sidecar}_REDIRECT_PORT_OUTBOUND`,
      15001,
      'Port outbound traffic is redirected to.',
      later,
    ),
    uid: whole(`${sidecar}_UID`, 5678, 'User of the sidecar.', later),
    gid: whole(`${sidecar}_GUI`, 5678, 'Group of the sidecar. The name in the environment really ends so.', later),
    adminPort: port(`${sidecar}_ADMIN_PORT`, 9901, "Port of Envoy's admin listener.", {
      ...later,
      deprecated: 'use bootstrapServer.params.adminPort',
    }),
    drainTime: duration(`${sidecar}_DRAIN_TIME`, '30s', 'Time connections have to end.', later),
    readinessProbe: {
      ...probe('READINESS', 1),
      successThreshold: whole(
        `${sidecar}_READINESS_PROBE_SUCCESS_THRESHOLD`,
        1,
        'Good answers in a row until it counts.',
        later,
      ),
    },
    livenessProbe: probe('LIVENESS', 60),
    startupProbe: probe('STARTUP', 1),
    resources: containerResources('KUMA_INJECTOR_SIDECAR_CONTAINER', ['50m', '64Mi'], ['0', '512Mi']),
    envVars: pairs(`${sidecar}_ENV_VARS`, {}, 'Further environment variables of the sidecar.', later),
    waitForDataplaneReady: flag(
      `${sidecar}_WAIT_FOR_DATAPLANE_READY`,
      false,
      'Other containers start when Envoy is ready.',
      later,
    ),
  },
  initContainer: {
    image: text('KUMA_INJECTOR_INIT_CONTAINER_IMAGE', 'kuma/kuma-init:latest', 'Image of the init container.', later),
    resources: containerResources('KUMA_INJECTOR_INIT_CONTAINER', ['20m', '20M'], ['0', '50M']),
  },
  validationContainer: {
    resources: containerResources('KUMA_INJECTOR_VALIDATION_CONTAINER', ['20m', '20M'], ['0', '50M']),
  },
  containerPatches: list(`${injector}_CONTAINER_PATCHES`, [], 'ContainerPatches for pods that name none.', later),
  sidecarTraffic: {
    excludeInboundPorts: list(
      'KUMA_RUNTIME_KUBERNETES_SIDECAR_TRAFFIC_EXCLUDE_INBOUND_PORTS',
      [],
      'Inbound ports that are not redirected.',
      later,
    ),
    excludeOutboundPorts: list(
      'KUMA_RUNTIME_KUBERNETES_SIDECAR_TRAFFIC_EXCLUDE_OUTBOUND_PORTS',
      [],
      'Outbound ports that are not redirected.',
      later,
    ),
    excludeInboundIPs: list(
      'KUMA_RUNTIME_KUBERNETES_SIDECAR_TRAFFIC_EXCLUDE_INBOUND_IPS',
      [],
      'Sources that are not redirected.',
      later,
    ),
    excludeOutboundIPs: list(
      'KUMA_RUNTIME_KUBERNETES_SIDECAR_TRAFFIC_EXCLUDE_OUTBOUND_IPS',
      [],
      'Destinations that are not redirected.',
      later,
    ),
  },
  builtinDNS: {
    enabled: flag(`${injector}_BUILTIN_DNS_ENABLED`, true, 'Sidecars answer DNS.', later),
    port: port(`${injector}_BUILTIN_DNS_PORT`, 15053, 'Port of DNS in the sidecar.', later),
    logging: flag(`${injector}_BUILTIN_DNS_LOGGING`, false, 'Log DNS queries.', later),
    experimentalProxy: flag(`${injector}_BUILTIN_DNS_EXPERIMENTAL_PROXY`, true, 'kuma-dp itself answers DNS.', later),
  },
  ebpf: {
    enabled: flag(`${injector}_EBPF_ENABLED`, false, 'Redirect traffic with eBPF.', later),
    instanceIPEnvVarName: text(
      `${injector}_EBPF_INSTANCE_IP_ENV_VAR_NAME`,
      'INSTANCE_IP',
      'Variable with the address of the pod.',
      later,
    ),
    bpffsPath: text(`${injector}_EBPF_BPFFS_PATH`, '/sys/fs/bpf', 'Where the BPF file system is mounted.', later),
    cgroupPath: text(`${injector}_EBPF_CGROUP_PATH`, '/sys/fs/cgroup', 'Where control groups are mounted.', later),
    tcAttachIface: text(`${injector}_EBPF_TC_ATTACH_IFACE`, '', 'Network interface; empty: found out.', later),
    programsSourcePath: text(
      `${injector}_EBPF_PROGRAMS_SOURCE_PATH`,
      '/tmp/kuma-ebpf',
      'Where the programs are.',
      later,
    ),
  },
  ignoredServiceSelectorLabels: list(
    `${injector}_IGNORED_SERVICE_SELECTOR_LABELS`,
    [],
    "Labels in a Service's selector that do not count.",
    later,
  ),
  nodeLabelsToCopy: list(
    `${injector}_NODE_LABELS_TO_COPY`,
    ['topology.kubernetes.io/zone', 'topology.kubernetes.io/region', 'kubernetes.io/hostname'],
    'Labels of nodes that become tags.',
    later,
  ),
  transparentProxyConfigMapName: text(
    `${injector}_TRANSPARENT_PROXY_CONFIGMAP_NAME`,
    '',
    'ConfigMap with the configuration of transparent proxying.',
    later,
  ),
  unifiedResourceNamingEnabled: flag(
    `${injector}_UNIFIED_RESOURCE_NAMING_ENABLED`,
    false,
    'Sidecars ask for unified names of Envoy resources.',
    later,
  ),
  otelPipeEnabled: flag(`${injector}_OTEL_PIPE_ENABLED`, true, 'Telemetry goes through kuma-dp.', later),
  spire: {
    enabled: flag(`${injector}_SPIRE_ENABLED`, false, 'Mount the socket of the SPIRE agent.', later),
    mountPath: text(`${injector}_SPIRE_MOUNT_PATH`, '/run/spire/sockets', 'Where it is mounted.', later),
    socketFileName: text(`${injector}_SPIRE_SOCKET_FILE_NAME`, 'socket', 'Name of the socket.', later),
  },
};
