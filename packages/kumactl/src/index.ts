// kumactl as a function, for tests and for programs that embed it.
export { runCommand } from './program.ts';
export type { Terminal } from './terminal.ts';
