// Gets the servers that the stories talk to, collectors and a Vault: once per user and version, kept outside the clone.
import { fetchTool, toolNames } from './tools/collectors.ts';

for (const name of toolNames) {
  const found = fetchTool(name);
  console.log(found.absent === undefined ? `${name}: ${found.path}` : found.absent);
}
