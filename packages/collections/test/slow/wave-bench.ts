// Prints what the graph itself costs when one change reaches 1,000 watched results with 30 reads each: node packages/collections/test/slow/wave-bench.ts
import { createGraph } from '../../src/index.ts';

const proxies = 1000;
const reads = 30;
const graph = createGraph();
const settings = graph.source<number>('settings');
const parts = graph.source<number>('parts');
graph.batch(() => {
  settings.set('all', 0);
  for (let part = 0; part < proxies * reads; part++) parts.set(String(part), part);
});
const config = graph.derive('config', (proxy: number) => {
  let sum = settings.get('all') ?? 0;
  for (let read = 1; read < reads; read++) sum += parts.get(String(proxy * reads + read)) ?? 0;
  return sum;
});
const start = performance.now();
for (let proxy = 0; proxy < proxies; proxy++) graph.watch(config, [proxy], () => {});
console.log(`first run of ${proxies}: ${(performance.now() - start).toFixed(1)} ms`);
for (let round = 1; round <= 5; round++) {
  const before = process.cpuUsage();
  settings.set('all', round);
  const { user, system } = process.cpuUsage(before);
  console.log(`change that reaches all, round ${round}: ${((user + system) / 1000).toFixed(1)} ms of CPU`);
}
console.log(graph.stats());
