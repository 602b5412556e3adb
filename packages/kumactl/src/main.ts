// kumactl: the command line of the mesh.
import { homedir } from 'node:os';
import { homeFolder } from '@ursa/resources';
import { runCommand } from './program.ts';

// Whoever reads our output may stop early (`kumactl get meshes | head -1`): that is not an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

runCommand(process.argv.slice(2), {
  env: process.env,
  home: homeFolder(process.env, homedir),
  print: (text) => process.stdout.write(text),
  printError: (text) => process.stderr.write(text),
  async readInput() {
    const chunks: Buffer[] = [];
    for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk));
    return Buffer.concat(chunks).toString('utf8');
  },
  now: () => Date.now(),
}).then((code) => {
  process.exitCode = code;
});
