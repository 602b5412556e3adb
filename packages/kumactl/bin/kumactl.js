#!/usr/bin/env node
// Starts kumactl from its sources; dist/kumactl is the single-file executable.
await import('../../../scripts/generated.ts');
await import('../src/main.ts');
