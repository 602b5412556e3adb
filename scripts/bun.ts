// Bun, which the single-file executables are made with and made of.
import { join } from 'node:path';
import { root } from './process.ts';

const architecture = process.arch === 'arm64' ? 'aarch64' : process.arch;

/** The program in its package for this platform: the package `bun` itself only finds it by an install script, and those do not run here. */
export const bunProgram = join(root, 'node_modules', '@oven', `bun-${process.platform}-${architecture}`, 'bin', 'bun');
