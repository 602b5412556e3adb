// The machine of a control plane is lost with a proxy on it that has an address of its own, as in a container: that both are on one machine, both have said.
import { test } from 'node:test';
import { postgresMissing } from '../../packages/control-plane/test/postgres-server.ts';
import { hostsMissing, isInside, runInside } from '../harness/hosts.ts';
import { loseTheMachine } from './lose-the-machine.ts';

const missing = hostsMissing() || postgresMissing;
if (missing) {
  test('a proxy with an address of its own', { skip: missing }, () => {}); // because machines are network namespaces
} else if (isInside) {
  test('the machine of a control plane, and of a proxy with an address of its own', (context) =>
    loseTheMachine(context, { ownAddress: true }));
} else {
  test('a proxy with an address of its own, in network namespaces', () => runInside(import.meta.filename));
}
