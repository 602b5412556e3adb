// `kumactl demo`: a mesh on this host in one command. From a clone it runs the programs from source, after fetching what they need; the
// single-file executable runs kuma-cp and kuma-dp that lie beside it.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { MeshError } from '@ursa/resources';
import type { Command } from 'commander';
import type { Session } from '../session.ts';

/** Where Bun says that the program of a single-file executable is. */
const insideExecutable = /^(\/\$bunfs\/|[A-Z]:[\\/]~BUN[\\/])/;

/** Adds the command. */
export function addDemo(program: Command, session: () => Session): void {
  program
    .command('demo')
    .description('Run a mesh on this host, a control plane and two services behind their Envoys, until Ctrl-C')
    .action(async () => {
      const { terminal } = session();
      const isExecutable = insideExecutable.test(process.argv[1] ?? '');
      if (!isExecutable) prepareClone();
      // The demo is an example; it is loaded by this command only.
      const { programsIn, programsOf } = await import('../../../../examples/demo/programs.ts');
      const { runDemo } = await import('../../../../examples/demo/run-demo.ts');
      const end = new AbortController();
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => end.abort());
      const code = await runDemo({
        programs: isExecutable ? programsIn(dirname(process.execPath)) : programsOf('node'),
        usualPorts: true,
        kumactl: isExecutable ? process.execPath : 'npx kumactl',
        write: (text) => terminal.print(text),
        end: end.signal,
      });
      if (code !== 0) throw new MeshError('unavailable', 'the demo did not run; the reason is above');
    });
}

/** Generated code and Envoy, as `npm run demo` prepares them; nothing happens when they are there. */
function prepareClone(): void {
  for (const script of ['generate.ts', 'fetch-envoy.ts']) {
    const path = join(import.meta.dirname, '../../../../scripts', script);
    const { status } = spawnSync(process.execPath, [path], { stdio: ['ignore', 'ignore', 'inherit'] });
    if (status !== 0) throw new MeshError('unavailable', `scripts/${script} failed: run "npm ci" in the clone first`);
  }
}
