// Gets the collectors that the stories of logs, traces and metrics send to: once per user and version, kept outside the clone.
import { fetchTool, toolNames } from './tools/collectors.ts';

for (const name of toolNames) {
  const found = fetchTool(name);
  console.log(found.absent === undefined ? `${name}: ${found.path}` : found.absent);
}
