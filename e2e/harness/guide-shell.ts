// Runs the blocks of a guide in one folder, with programs by their names; what a block leaves running ends with the story.
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { programs, type World } from './world.ts';

/** What a block did. */
export interface BlockOutcome {
  readonly code: number | null;
  readonly output: string;
}

/** A shell for the blocks of a guide. */
export interface GuideShell {
  readonly folder: string;
  run(commands: string): Promise<BlockOutcome>;
  /** Ends what blocks have left running. */
  stop(): void;
}

const patience = 60_000;

/** Makes a shell whose kumactl knows the control plane of a world. `commands` are further programs by name. */
export function openGuideShell(
  world: World,
  commands: Readonly<Record<string, readonly string[]>> = {},
  environment: Readonly<Record<string, string>> = {},
): GuideShell {
  const folder = join(world.folder, 'guide');
  const bin = join(folder, 'bin');
  mkdirSync(bin, { recursive: true });
  const configFile = join(folder, 'kumactl.json');
  const all = { kumactl: [...programs.kumactl, '--config-file', configFile], ...commands };
  for (const [name, words] of Object.entries(all)) {
    const script = `#!/bin/sh\nexec ${words.map((word) => `'${word}'`).join(' ')} "$@"\n`;
    writeFileSync(join(bin, name), script, { mode: 0o755 });
  }
  const { apiUrl } = world.controlPlane;
  const config = {
    controlPlanes: [{ name: 'here', coordinates: { apiServer: { url: apiUrl } } }],
    contexts: [{ name: 'here', controlPlane: 'here' }],
    currentContext: 'here',
  };
  writeFileSync(configFile, JSON.stringify(config));
  const groups: number[] = [];
  const end = (group: number): void => {
    try {
      process.kill(-group, 'SIGTERM');
    } catch {
      // Nothing of it is left.
    }
  };
  return {
    folder,
    run(block) {
      const child = spawn('bash', ['-c', `exec 2>&1; set -e\n${block}`], {
        cwd: folder,
        // A group of its own: what a block leaves running is in it.
        detached: true,
        stdio: ['ignore', 'pipe', 'ignore'],
        env: { ...process.env, ...environment, PATH: `${bin}:${process.env.PATH}` },
      });
      const { pid } = child;
      if (pid !== undefined) groups.push(pid);
      const timer = setTimeout(() => pid !== undefined && end(pid), patience);
      let output = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
      // What goes on in the background must not hold the output open.
      return new Promise((resolve) =>
        child.once('exit', (code) => {
          clearTimeout(timer);
          setTimeout(() => resolve({ code, output }), 50);
        }),
      );
    },
    stop: () => groups.forEach(end),
  };
}
