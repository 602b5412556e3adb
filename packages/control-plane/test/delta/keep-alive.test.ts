// What the kernel is told about silent clients where the runtime cannot tell it by itself: on the single-file executables.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { bunProgram } from '../../../../scripts/bun.ts';

const program = `
const { connect, createServer } = require('node:net');
const { openKeepAlive } = await import(${JSON.stringify(join(import.meta.dirname, '../../src/delta/grpc/keep-alive.ts'))});
const { symbols } = require('bun:ffi').dlopen('libc.so.6', {
  getsockopt: { args: ['int', 'int', 'int', 'ptr', 'ptr'], returns: 'int' },
});
const keepAlive = await openKeepAlive();
const server = createServer((socket) => {
  keepAlive(socket);
  const told = [4, 5, 6].map((name) => {
    const value = new Int32Array(1);
    symbols.getsockopt(socket._handle.fd, 6, name, value, new Uint32Array([4]));
    return value[0];
  });
  console.log(JSON.stringify(told));
  process.exit();
}).listen(0, '127.0.0.1', () => connect(server.address().port, '127.0.0.1'));
`;

if (process.platform !== 'linux')
  test('keep-alive of the executables', { skip: 'only Linux is told' }, () => {}); // because others have other numbers
else {
  test('the kernel asks after two seconds, and three times more a second apart', () => {
    const { stdout, stderr } = spawnSync(bunProgram, ['-e', program], { encoding: 'utf8', timeout: 30_000 });
    assert.equal(stdout.trim(), '[2,1,3]', stderr);
  });
}
