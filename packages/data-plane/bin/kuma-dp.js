#!/usr/bin/env node
// Starts kuma-dp from its sources; dist/kuma-dp is the single-file executable.
import { requireNode } from '../../../scripts/node-version.js';

requireNode('kuma-dp');
await import('../../../scripts/generated.ts');
await import('../src/main.ts');
