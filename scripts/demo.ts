// `npm run demo`: a mesh on this host in one command. Ctrl-C ends it and leaves nothing behind.
import './generate.ts';
import { fetchEnvoy, findEnvoy } from '@ursa/data-plane';
import { programsOf } from '../examples/demo/programs.ts';
import { runDemo } from '../examples/demo/run-demo.ts';

try {
  findEnvoy('envoy', process.env, process.cwd());
} catch {
  console.log('fetching Envoy, once…');
  await fetchEnvoy(process.env);
}
const end = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => end.abort());
const runtime = process.argv.includes('--dist') ? 'dist' : 'node';
process.exitCode = await runDemo({
  programs: programsOf(runtime),
  usualPorts: true,
  write: (text) => process.stdout.write(text),
  end: end.signal,
});
process.exit();
