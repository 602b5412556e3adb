// kumactl: the command line of the mesh.
import { homedir } from 'node:os';
import { runCommand } from './program.ts';

process.exitCode = await runCommand(process.argv.slice(2), {
  env: process.env,
  home: homedir(),
  print: (text) => process.stdout.write(text),
  printError: (text) => process.stderr.write(text),
  async readInput() {
    const chunks: Buffer[] = [];
    for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk));
    return Buffer.concat(chunks).toString('utf8');
  },
  now: () => Date.now(),
});
