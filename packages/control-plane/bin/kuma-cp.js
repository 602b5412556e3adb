#!/usr/bin/env node
// Starts kuma-cp from its sources; dist/kuma-cp is the single-file executable.
import '../src/main.ts';
