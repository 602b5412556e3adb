// The machine of a control plane is lost with a proxy on it that has its address.
import { test } from 'node:test';
import { postgresMissing } from '../../packages/control-plane/test/postgres-server.ts';
import { hostsMissing, isInside, runInside } from '../harness/hosts.ts';
import { loseTheMachine } from './lose-the-machine.ts';

const missing = hostsMissing() || postgresMissing;
if (missing) {
  test('the lost machine of a control plane', { skip: missing }, () => {}); // because machines are network namespaces
} else if (isInside) {
  test('the machine of a control plane', (context) => loseTheMachine(context));
} else {
  test('the lost machine of a control plane, in network namespaces', () => runInside(import.meta.filename));
}
