// One example for each command: shown by `--help` and in the reference.

/** Example by command path. */
export const examples: Readonly<Record<string, string>> = {
  apply: 'kumactl apply -f mesh.yaml -v zone=east',
  get: 'kumactl get meshtimeouts --mesh default -o yaml',
  delete: 'kumactl delete meshtrafficpermission allow-counter',
  diff: 'kumactl diff -f timeouts.yaml',
  'rollout status': 'kumactl rollout status --revision 42 --wait --timeout 1m',
  'inspect dataplanes': 'kumactl inspect dataplanes --tag kuma.io/service=web',
  'inspect dataplane': 'kumactl inspect dataplane web-1 --type config --shadow --include diff',
  'inspect meshes': 'kumactl inspect meshes',
  'inspect services': 'kumactl inspect services --mesh default',
  'inspect zones': 'kumactl inspect zones -o yaml',
  'inspect zoneingresses': 'kumactl inspect zoneingresses',
  'inspect zoneegresses': 'kumactl inspect zoneegresses',
  'inspect zoneingress': 'kumactl inspect zoneingress ingress-1 --type clusters',
  'inspect zoneegress': 'kumactl inspect zoneegress egress-1 --type stats',
  'inspect <policy>': 'kumactl inspect meshtimeout slow-backend',
  'inspect meshgateway': 'kumactl inspect meshgateway edge',
  explain: 'kumactl explain web api --method GET --path /orders',
  lint: 'kumactl lint mesh.yaml policies/',
  render: 'kumactl render -f mesh.yaml --dataplane web-1 --type listeners',
  'generate dataplane-token':
    'kumactl generate dataplane-token --mesh default --name web-1 --valid-for 24h > web-1.token',
  'generate user-token': 'kumactl generate user-token --name jane --group team-a --valid-for 720h',
  'generate zone-token': 'kumactl generate zone-token --zone east --scope ingress,egress --valid-for 720h',
  'generate signing-key': 'kumactl generate signing-key --format pem > signing-key.pem',
  'generate public-key': 'kumactl generate public-key --signing-key-path signing-key.pem',
  'generate tls-certificate': 'kumactl generate tls-certificate --type server --hostname cp.example.com',
  'config view': 'kumactl config view',
  'config control-planes add':
    'kumactl config control-planes add --name east --address https://cp.example.com:5682 --ca-cert-file ca.pem --auth-type tokens --auth-conf token="$TOKEN"',
  'config control-planes list': 'kumactl config control-planes list',
  'config control-planes remove': 'kumactl config control-planes remove --name east',
  'config control-planes switch': 'kumactl config control-planes switch --name east',
  'support-bundle': 'kumactl support-bundle --dataplane web-1 -o bundle.tgz',
  completion: 'source <(kumactl completion bash)',
  'install transparent-proxy':
    'kumactl install transparent-proxy --kuma-dp-user kuma-dp --redirect-dns --exclude-inbound-ports 22 --dry-run',
  'uninstall transparent-proxy': 'kumactl uninstall transparent-proxy --dry-run',
  demo: 'kumactl demo',
  version: 'kumactl version --detailed',
};
