// A stub control plane together with the flags that make kumactl talk to it.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type CommandResult,
  openStubServer,
  run,
  type StubAnswer,
  type StubRequest,
  type TestMachine,
} from './terminal.ts';

/** A stub and a folder of its own. */
export interface ControlPlaneStub {
  readonly requests: readonly StubRequest[];
  readonly url: string;
  /** An empty folder, removed at the end; `config` is in it. */
  readonly folder: string;
  run(args: readonly string[], machine?: TestMachine): Promise<CommandResult>;
  close(): Promise<void>;
}

/** Opens it; the context is called `stub`. */
export async function openControlPlaneStub(
  answer: (request: StubRequest) => StubAnswer | undefined,
): Promise<ControlPlaneStub> {
  const server = await openStubServer(answer);
  const folder = mkdtempSync(join(tmpdir(), 'kumactl-test-'));
  const configFile = join(folder, 'config');
  const configuration = {
    controlPlanes: [{ name: 'stub', coordinates: { apiServer: { url: server.url } } }],
    contexts: [
      { name: 'stub', controlPlane: 'stub' },
      { name: 'demo', controlPlane: 'stub', defaults: { mesh: 'demo' } },
    ],
    currentContext: 'stub',
  };
  writeFileSync(configFile, JSON.stringify(configuration));
  return {
    requests: server.requests,
    url: server.url,
    folder,
    run: (args, machine) => run(['--config-file', configFile, ...args], machine),
    async close() {
      await server.close();
      rmSync(folder, { recursive: true });
    },
  };
}
