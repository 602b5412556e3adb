// How fast this machine is while something else is measured: CPU seconds for a fixed piece of work of the kind that a control plane does (objects,
// JSON, hashes, maps), again and again in between. What slows the one down slows the other down as well.
import { createHash } from 'node:crypto';

const rounds = 12;
const items = 400;
const warmUps = 5;

function work(): number {
  const document = Array.from({ length: items }, (_, number) => ({
    name: `service-${number}`,
    labels: { 'kuma.io/service': `service-${number % 50}`, version: String(number % 7) },
    endpoints: [number, number + 1, number + 2],
  }));
  let total = 0;
  for (let round = 0; round < rounds; round += 1) {
    const text = JSON.stringify(document);
    const copy = JSON.parse(text) as typeof document;
    const byService = new Map<string, number>();
    for (const { labels, endpoints } of copy)
      byService.set(labels['kuma.io/service'], (byService.get(labels['kuma.io/service']) ?? 0) + endpoints.length);
    total += createHash('sha256').update(text).digest().readUInt32BE(0) + byService.size;
  }
  return total;
}

function timed(): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

/** Calibrates every half second until `stop`, which gives the CPU seconds of one piece of work: the median. */
export function calibrate(): { stop(): number } {
  for (let attempt = 0; attempt < warmUps; attempt += 1) work();
  const samples = [timed()];
  const timer = setInterval(() => samples.push(timed()), 500);
  return {
    stop() {
      clearInterval(timer);
      samples.sort((one, other) => one - other);
      return samples[Math.floor(samples.length / 2)] ?? Number.NaN;
    },
  };
}
