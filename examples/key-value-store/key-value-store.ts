// A key-value store over HTTP, as small as one can be: the second service of the demo. It knows nothing of the mesh.
// Alone: `PORT=5050 node examples/key-value-store/key-value-store.ts`.
import { createServer } from 'node:http';
import { listen, type RunningService, runAlone } from '../service.ts';

const keyPath = /^\/keys\/([A-Za-z0-9._-]{1,100})(\/increment)?$/;
const valueLimit = 64 << 10;

/** Serves `GET`, `PUT` and `DELETE /keys/{key}` and `POST /keys/{key}/increment`. Values live as long as the process. */
export async function openKeyValueStore(port: number): Promise<RunningService> {
  const values = new Map<string, string>();
  const server = createServer(async (request, response) => {
    const [, key, increment] = (request.url ?? '').match(keyPath) ?? [];
    const answer = (status: number, text: string): void => {
      response.writeHead(status, { 'content-type': 'text/plain' }).end(`${text}\n`);
    };
    if (request.url === '/') return answer(200, `a key-value store with ${values.size} keys`);
    if (key === undefined) return answer(404, 'try /keys/{key}');
    if (increment !== undefined) {
      if (request.method !== 'POST') return answer(405, 'increment is a POST');
      const next = String(Number(values.get(key) ?? '0') + 1);
      values.set(key, next);
      return answer(200, next);
    }
    if (request.method === 'GET') {
      const value = values.get(key);
      return value === undefined ? answer(404, `no key "${key}"`) : answer(200, value);
    }
    if (request.method === 'DELETE') return answer(values.delete(key) ? 200 : 404, key);
    if (request.method !== 'PUT') return answer(405, 'GET, PUT or DELETE');
    let value = '';
    for await (const chunk of request.setEncoding('utf8')) {
      value += chunk;
      if (value.length > valueLimit) return answer(413, `a value has at most ${valueLimit} characters`);
    }
    values.set(key, value);
    answer(200, value);
  });
  return listen(server, port);
}

if (import.meta.main) runAlone('key-value store', 5050, openKeyValueStore);
