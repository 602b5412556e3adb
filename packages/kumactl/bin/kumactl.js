#!/usr/bin/env node
// Starts kumactl from its sources; dist/kumactl is the single-file executable.
import '../src/main.ts';
