#!/usr/bin/env node
// Starts kuma-cp from its sources; dist/kuma-cp is the single-file executable.
await import('../../../scripts/generated.ts');
await import('../src/main.ts');
