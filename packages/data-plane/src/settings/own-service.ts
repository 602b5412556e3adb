// Settings from which kuma-dp makes the Dataplane itself. They are ours; the peer's kuma-dp wants a file.
import { supportedProtocols } from '@ursa/resources';
import { choiceSetting, listSetting, numberSetting, textSetting } from './setting.ts';

const port = { least: 1, most: 65535 };
const portOrNone = { least: 0, most: 65535 };

/** Part of the definitions. */
export const ownServiceDefinitions = {
  service: textSetting({
    path: 'dataplane.service',
    env: 'KUMA_DATAPLANE_SERVICE',
    flag: 'service',
    placeholder: 'name',
    help: 'service that the application is an instance of; with --port it stands in for --dataplane-file',
  }),
  // 0, which nobody can give, is what it is when it is not said.
  servicePort: numberSetting(port, {
    path: 'dataplane.servicePort',
    env: 'KUMA_DATAPLANE_SERVICE_PORT',
    flag: 'port',
    help: 'port of the application on this host',
  }),
  protocol: choiceSetting(supportedProtocols, {
    path: 'dataplane.protocol',
    env: 'KUMA_DATAPLANE_PROTOCOL',
    flag: 'protocol',
    help: 'what the application speaks; when it is not said, kuma-dp asks the application, which has to run by then',
  }),
  calls: listSetting({
    path: 'dataplane.calls',
    env: 'KUMA_DATAPLANE_CALLS',
    flag: 'calls',
    placeholder: 'service[:port][=port],…',
    help: 'services that the application calls, each at a port of 127.0.0.1, which is found and told in the log when it is not said after =; a MeshService of several ports is called with its port after :',
  }),
  address: textSetting({
    path: 'dataplane.address',
    env: 'KUMA_DATAPLANE_ADDRESS',
    flag: 'address',
    placeholder: 'address',
    help: 'address of this host at which the others reach the proxy; found by itself when empty',
  }),
  inboundPort: numberSetting(portOrNone, {
    path: 'dataplane.inboundPort',
    env: 'KUMA_DATAPLANE_INBOUND_PORT',
    flag: 'inbound-port',
    help: 'port of the proxy for the traffic of --port; when it is 0, 20000 plus the last four digits of --port, or the next free one',
  }),
  stateDir: textSetting({
    path: 'dataplaneRuntime.stateDir',
    env: 'KUMA_DATAPLANE_RUNTIME_STATE_DIR',
    flag: 'state-dir',
    placeholder: 'path',
    help: 'folder that keeps what "kuma-dp join" got, so that the proxy can be started again; ~/.kuma/proxies when empty',
  }),
};
