#!/usr/bin/env node
// Starts kuma-dp from its sources; dist/kuma-dp is the single-file executable.
await import('../../../scripts/generated.ts');
await import('../src/main.ts');
