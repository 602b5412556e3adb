#!/usr/bin/env node
// Starts kuma-dp from its sources; dist/kuma-dp is the single-file executable.
import '../src/main.ts';
