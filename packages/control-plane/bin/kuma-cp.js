#!/usr/bin/env node
// Starts kuma-cp from its sources; dist/kuma-cp is the single-file executable.
import { requireNode } from '../../../scripts/node-version.js';

requireNode('kuma-cp');
await import('../../../scripts/generated.ts');
await import('../src/main.ts');
