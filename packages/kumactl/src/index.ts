// kumactl as a function, for tests and for programs that embed it.
export { runCommand } from './program.ts';
export { describeCommands } from './reference.ts';
export type { Terminal } from './terminal.ts';
