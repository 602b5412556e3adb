// Metrics of the process, under the names that Prometheus's clients have them. Everything is asked of the kernel or the runtime when it is read.
import { readdirSync, readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import type { Meter } from '@ursa/telemetry';

/** Declares them. */
export function processMetrics(meter: Meter): void {
  const counter = (name: string, help: string, read: () => number) => meter.read(name, 'counter', help, read);
  const gauge = (name: string, help: string, read: () => number) => meter.read(name, 'gauge', help, read);
  counter('process_cpu_seconds_total', 'CPU time used, of the user and of the system.', () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  gauge('process_start_time_seconds', 'When the process started, in seconds since 1970.', () =>
    Math.round((Date.now() - process.uptime() * 1000) / 1000),
  );
  gauge('process_resident_memory_bytes', 'Memory in use.', () => process.memoryUsage.rss());
  gauge(
    'process_virtual_memory_bytes',
    'Address space in use.',
    () => 1024 * fieldOf('/proc/self/status', /^VmSize:\s+(\d+)/m),
  );
  gauge('process_open_fds', 'Open files and sockets.', openDescriptors);
  gauge('process_max_fds', 'Files and sockets that may be open.', () =>
    fieldOf('/proc/self/limits', /^Max open files\s+(\d+)/m),
  );
  gauge('nodejs_heap_size_total_bytes', 'Size of the heap.', () => process.memoryUsage().heapTotal);
  gauge('nodejs_heap_size_used_bytes', 'What of the heap is in use.', () => process.memoryUsage().heapUsed);
  gauge(
    'nodejs_external_memory_bytes',
    'Memory outside of the heap that objects hold.',
    () => process.memoryUsage().external,
  );
  let before = performance.eventLoopUtilization();
  gauge(
    'nodejs_eventloop_utilization',
    'Share of the time since it was last read in which the event loop worked.',
    () => {
      const now = performance.eventLoopUtilization();
      const { utilization } = performance.eventLoopUtilization(now, before);
      before = now;
      return utilization;
    },
  );
}

/** 0 where the kernel has no such file. */
function fieldOf(file: string, pattern: RegExp): number {
  try {
    return Number(pattern.exec(readFileSync(file, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

function openDescriptors(): number {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return 0;
  }
}
