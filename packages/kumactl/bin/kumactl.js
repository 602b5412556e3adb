#!/usr/bin/env node
// Starts kumactl from its sources; dist/kumactl is the single-file executable.
import { requireNode } from '../../../scripts/node-version.js';

requireNode('kumactl');
await import('../../../scripts/generated.ts');
await import('../src/main.ts');
